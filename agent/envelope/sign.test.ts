import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateSigningKey } from './keys.ts';
import { labels, sign, verify, type Label } from './sign.ts';

const key = generateSigningKey();
const label = fc.constantFrom(...Object.values(labels));
const claim = fc.record({
  label,
  type: fc.string({ maxLength: 20 }),
  payload: fc.uint8Array({ maxLength: 60 }),
});

describe('verify', () => {
  it('is true for exactly the purpose, type and bytes that were signed', () => {
    fc.assert(
      fc.property(claim, claim, (said, heard) => {
        const signature = sign(key, said.label, said.type, said.payload);
        const isSame = JSON.stringify(said) === JSON.stringify(heard);
        expect(isTrue(said, signature)).toBe(true);
        expect(isTrue(heard, signature)).toBe(isSame);
      }),
    );
  });

  it('is false for every other purpose', () => {
    for (const said of Object.values(labels)) {
      const signature = sign(key, said, '', Uint8Array.of(1));
      const heard = Object.values(labels).filter((each) => {
        return verify(key.publicKey, each, '', Uint8Array.of(1), signature);
      });
      expect(heard).toEqual([said]);
    }
  });

  it('is false, and throws nothing, for keys and signatures of any length', () => {
    const bytes = fc.uint8Array({ maxLength: 70 });
    fc.assert(
      fc.property(bytes, bytes, (publicKey, signature) => {
        expect(verify(publicKey, labels.order, '', Uint8Array.of(1), signature)).toBe(false);
        expect(verify(key.publicKey, labels.order, '', Uint8Array.of(1), signature)).toBe(false);
      }),
    );
  });

  it('is false for a signature whose scalar was grown by the group order', () => {
    const signature = sign(key, labels.order, '', Uint8Array.of(1));
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const scalar =
      BigInt(`0x${Buffer.from(signature.slice(32)).reverse().toString('hex')}`) + order;
    const grown = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse();
    const malleable = Uint8Array.from([...signature.slice(0, 32), ...grown]);
    expect(verify(key.publicKey, labels.order, '', Uint8Array.of(1), malleable)).toBe(false);
  });
});

function isTrue(
  claimed: { label: Label; type: string; payload: Uint8Array },
  signature: Uint8Array,
) {
  return verify(key.publicKey, claimed.label, claimed.type, claimed.payload, signature);
}
