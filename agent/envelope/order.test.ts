import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateSigningKey } from './keys.ts';
import { openOrder, openReceipt, sealOrder, sealReceipt, trust } from './order.ts';
import { Refusal, type RefusalReason } from './refusal.ts';
import { labels, sign } from './sign.ts';
import { maxPayloadBytes, type Signed } from './signed.ts';

const key = generateSigningKey();
const trusted = [
  ...trust(generateSigningKey().publicKey, 'auth', 'order'),
  ...trust(key.publicKey, 'auth', 'order'),
];
const payload = Uint8Array.from(Buffer.from('deploy the shop'));
const good = sealOrder(payload, key);

describe('openOrder', () => {
  it('returns the exact bytes that were sealed, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(openOrder(sealOrder(bytes, key), trusted)).toEqual(bytes);
      }),
    );
  });

  it('opens a payload of exactly the largest size', () => {
    const largest = new Uint8Array(maxPayloadBytes);
    expect(openOrder(sealOrder(largest, key), trusted)).toHaveLength(maxPayloadBytes);
  });

  it('never opens an envelope with a single bit flipped, wherever it is', () => {
    for (const altered of everyBitFlip(good)) expect(reason(altered)).not.toBe('OPENED');
  });

  it('never opens an envelope whose bytes were replaced, cut or grown', () => {
    const bytes = fc.uint8Array({ maxLength: 80 });
    const mutated = fc.record({
      payload: fc.oneof(fc.constant(good.payload), bytes),
      payloadType: fc.oneof(fc.constant(good.payloadType), fc.string()),
      signatures: fc.array(
        fc.record({
          keyId: fc.oneof(fc.constant(key.keyId), bytes),
          signature: fc.oneof(fc.constant(good.signatures[0]!.signature), bytes),
        }),
        { maxLength: 10 },
      ),
    });
    fc.assert(
      fc.property(mutated, (signed) => {
        fc.pre(JSON.stringify(signed) !== JSON.stringify(good));
        expect(reason(signed)).not.toBe('OPENED');
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[string, Signed, RefusalReason]>([
    ['no signature', { ...good, signatures: [] }, 'UNKNOWN_KEY'],
    ['a stranger', sealOrder(payload, generateSigningKey()), 'UNKNOWN_KEY'],
    ['the key that signs twice', twice(good), 'BAD_SIGNATURE'],
    ['a receipt by the same key', sealReceipt(payload, key), 'BAD_SIGNATURE'],
    ['a good one beside a stranger', beside(good, generateSigningKey()), 'UNKNOWN_KEY'],
    ['a payload over the limit', { ...good, payload: new Uint8Array(2 ** 20 + 1) }, 'TOO_LARGE'],
    ['a type over the limit', { ...good, payloadType: 'x'.repeat(257) }, 'TOO_LARGE'],
    ['nine signatures', { ...good, signatures: Array(9).fill(good.signatures[0]) }, 'TOO_LARGE'],
    [
      'an empty envelope',
      { payload: new Uint8Array(), payloadType: '', signatures: [] },
      'UNKNOWN_KEY',
    ],
    [
      'another type, truly signed',
      typed('application/vnd.serverflow.order.v2+protobuf'),
      'WRONG_TYPE',
    ],
    ['no type, truly signed', typed(''), 'WRONG_TYPE'],
  ])('refuses %s', (_, signed, expected) => {
    expect(reason(signed)).toBe(expected);
  });

  it('refuses a known key in the wrong role before it looks at the signature', () => {
    const authOnly = trust(key.publicKey, 'auth');
    expect(reason(good, authOnly)).toBe('WRONG_ROLE');
    expect(reason({ ...good, payload: Uint8Array.of(1) }, authOnly)).toBe('WRONG_ROLE');
  });

  it('takes a key id as a hint only: a stranger under a known id fails on the signature', () => {
    const stranger = sealOrder(payload, generateSigningKey());
    const dressed = [{ keyId: key.keyId, signature: stranger.signatures[0]!.signature }];
    expect(reason({ ...stranger, signatures: dressed })).toBe('BAD_SIGNATURE');
  });

  it('trusts nobody when it is given no keys', () => {
    expect(reason(good, [])).toBe('UNKNOWN_KEY');
  });
});

describe('openReceipt', () => {
  const receipt = sealReceipt(payload, key);

  it('returns the bytes that the agent signed', () => {
    expect(openReceipt(receipt, key.publicKey)).toEqual(payload);
  });

  it('refuses another agent, and an order by the same key', () => {
    expect(() => openReceipt(receipt, generateSigningKey().publicKey)).toThrow(Refusal);
    expect(() => openReceipt(good, key.publicKey)).toThrow('does not fit');
  });
});

/** What became of an envelope: OPENED, or why not. */
function reason(signed: Signed, keys = trusted): RefusalReason | 'OPENED' {
  try {
    openOrder(signed, keys);
    return 'OPENED';
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

function* everyBitFlip(signed: Signed): Generator<Signed> {
  const [signature] = signed.signatures;
  if (!signature) throw new Error('an envelope without a signature');
  for (const payload of flips(signed.payload)) yield { ...signed, payload };
  for (const type of flips(Buffer.from(signed.payloadType, 'latin1'))) {
    yield { ...signed, payloadType: Buffer.from(type).toString('latin1') };
  }
  for (const keyId of flips(signature.keyId)) {
    yield { ...signed, signatures: [{ ...signature, keyId }] };
  }
  for (const bytes of flips(signature.signature)) {
    yield { ...signed, signatures: [{ ...signature, signature: bytes }] };
  }
}

function* flips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    yield bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
  }
}

function twice(signed: Signed): Signed {
  return { ...signed, signatures: [...signed.signatures, ...signed.signatures] };
}

function beside(signed: Signed, other: ReturnType<typeof generateSigningKey>): Signed {
  return { ...signed, signatures: [...signed.signatures, ...sealOrder(payload, other).signatures] };
}

function typed(payloadType: string): Signed {
  const signature = sign(key, labels.order, payloadType, payload);
  return { payload, payloadType, signatures: [{ keyId: key.keyId, signature }] };
}
