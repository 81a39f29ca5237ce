import { diffieHellman, createPrivateKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateSealingKey, generateSigningKey, importPublicKey } from './keys.ts';
import { checkPublicKey } from './points.ts';
import { verify as verifyLabelled } from './sign.ts';

const p = 2n ** 255n - 19n;
const sign = 2n ** 255n;
const d = mod(-121665n * invert(121666n));
const torsion = torsionY();

describe('checkPublicKey for signing', () => {
  it('knows every point of small order, computed here from the curve itself', () => {
    expect(torsion.size).toBe(5);
    for (const y of torsion) {
      for (const encoding of [y, y | sign]) {
        expect(() => checkPublicKey(encode(encoding))).toThrow('small order');
      }
    }
  });

  it('refuses every encoding that is not canonical', () => {
    for (let y = p; y < sign; y++) {
      for (const encoding of [y, y | sign]) {
        expect(() => checkPublicKey(encode(encoding))).toThrow('canonically');
      }
    }
  });

  it.each([0, 31, 33, 64])('refuses %i bytes', (length) => {
    expect(() => checkPublicKey(new Uint8Array(length).fill(7))).toThrow('instead of 32');
  });

  it('accepts keys that were made as they should be', () => {
    for (let i = 0; i < 100; i++) {
      const { publicKey } = generateSigningKey();
      expect(() => checkPublicKey(publicKey, 'signing')).not.toThrow();
    }
  });

  it('keeps verify from accepting the signature that fits every message under the identity', () => {
    const identity = encode(1n);
    const everyMessage = Buffer.concat([identity, new Uint8Array(32)]);
    expect(verifyLabelled(identity, 'serverflow.order.v1', '', identity, everyMessage)).toBe(false);
  });
});

describe('checkPublicKey for sealing', () => {
  const low = [
    0n,
    1n,
    p - 1n,
    325606250916557431795983626356110631294008115727848805560023387167927233504n,
    39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  ];

  it('refuses the points whose shared secret everybody knows, as OpenSSL does', () => {
    const mine = generateSealingKey();
    for (const u of low) {
      expect(() => checkPublicKey(encode(u), 'sealing')).toThrow('small order');
      expect(() => agreeUnchecked(mine.exportSeed(), encode(u))).toThrow();
    }
  });

  it('knows all of them: the images of the points of small order, and the twist', () => {
    const images = [...torsion].filter((y) => y !== 1n).map((y) => mod((1n + y) * invert(1n - y)));
    expect(new Set([...images, p - 1n])).toEqual(new Set(low));
  });

  it('refuses every encoding that is not canonical, a set highest bit included', () => {
    for (const u of [p, p + 1n, p + 18n, 2n * p, 2n ** 256n - 1n, sign, sign | 9n]) {
      expect(() => checkPublicKey(encode(u), 'sealing')).toThrow('canonically');
    }
  });

  it('accepts keys that were made as they should be, and makes the same secret on both sides', () => {
    for (let i = 0; i < 20; i++) {
      const [a, b] = [generateSealingKey(), generateSealingKey()];
      expect(a.agree(b.publicKey)).toEqual(b.agree(a.publicKey));
    }
  });
});

describe('the base of these checks', () => {
  it('is node:crypto, which takes raw keys of ours', () => {
    const key = generateSigningKey();
    const message = Buffer.from('hello');
    const publicKey = importPublicKey(key.publicKey, 'signing');
    expect(verify(null, message, publicKey, key.signBytes(message))).toBe(true);
  });
});

type Point = readonly [bigint, bigint];

/** The y coordinates of the 8-torsion: other points, times the prime order of the large subgroup. */
function torsionY(): Set<bigint> {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const found = new Set<bigint>();
  for (let y = 2n; found.size < 5; y++) {
    const x = recoverX(y);
    if (x === undefined) continue;
    found.add(multiply(order, [x, y])[1]);
  }
  return found;
}

function recoverX(y: bigint): bigint | undefined {
  const square = mod((y * y - 1n) * invert(d * y * y + 1n));
  const root = power(square, (p + 3n) / 8n);
  const candidates = [root, mod(root * power(2n, (p - 1n) / 4n))];
  return candidates.find((x) => mod(x * x) === square);
}

function multiply(scalar: bigint, point: Point): Point {
  let [result, addend]: [Point, Point] = [[0n, 1n], point];
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = add(result, addend);
    addend = add(addend, addend);
  }
  return result;
}

function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const product = d * x1 * x2 * y1 * y2;
  return [
    mod((x1 * y2 + x2 * y1) * invert(1n + product)),
    mod((y1 * y2 + x1 * x2) * invert(1n - product)),
  ];
}

function mod(value: bigint): bigint {
  return ((value % p) + p) % p;
}

// Euclid's algorithm, since a power costs some hundred times as much.
function invert(value: bigint): bigint {
  let [a, b, x, y] = [mod(value), p, 1n, 0n];
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return mod(x);
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, mod(base)];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

function encode(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

function agreeUnchecked(seed: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return diffieHellman({ privateKey, publicKey: importPublicKey(publicKey, 'sealing') });
}
