import { describe, expect, it } from 'vitest';
import { openKeySet, rootPin, sealKeySet } from './key-set.ts';
import { generateSigningKey } from './keys.ts';
import { sealOrder } from './order.ts';

const [first, second] = [generateSigningKey(), generateSigningKey()];
const payload = Uint8Array.of(1, 2, 3);
const pin = rootPin([first.publicKey]);

describe('openKeySet', () => {
  it('returns the bytes that the pinned root signed', () => {
    expect(openKeySet(sealKeySet(payload, [first]), pin)).toEqual(payload);
  });

  it('refuses another root, whose signature is good under its own key', () => {
    expect(() => openKeySet(sealKeySet(payload, [second]), pin)).toThrow('not the control plane');
  });

  it('refuses a stranger beside the pinned root', () => {
    expect(() => openKeySet(sealKeySet(payload, [first, second]), pin)).toThrow(
      expect.objectContaining({ reason: 'WRONG_PIN' }),
    );
  });

  it('refuses the pinned root with the signature of another', () => {
    const forged = { ...sealKeySet(payload, [second]), rootKeys: [first.publicKey] };
    expect(() => openKeySet(forged, pin)).toThrow(
      expect.objectContaining({ reason: 'UNKNOWN_KEY' }),
    );
  });

  it('refuses altered bytes, and a set that is missing', () => {
    const signed = sealKeySet(payload, [first]);
    const altered = { ...signed, keySet: { ...signed.keySet!, payload: Uint8Array.of(1, 2, 4) } };
    expect(() => openKeySet(altered, pin)).toThrow('does not fit');
    expect(() => openKeySet({ rootKeys: signed.rootKeys }, pin)).toThrow('every root key');
  });

  it('refuses an order that the root signed', () => {
    const order = { keySet: sealOrder(payload, first), rootKeys: [first.publicKey] };
    expect(() => openKeySet(order, pin)).toThrow('does not fit');
  });

  it('refuses a weak root even where it is pinned', () => {
    const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
    const weak = { ...sealKeySet(payload, [first]), rootKeys: [identity] };
    expect(() => openKeySet(weak, rootPin([identity]))).toThrow('small order');
  });

  it('needs every key of a root that has several', () => {
    const both = rootPin([first.publicKey, second.publicKey]);
    const signed = sealKeySet(payload, [second, first]);
    expect(openKeySet(signed, both)).toEqual(payload);
    const half = { ...sealKeySet(payload, [first]), rootKeys: signed.rootKeys };
    expect(() => openKeySet(half, both)).toThrow('every root key');
    const signatures = [signed.keySet!.signatures[0]!, signed.keySet!.signatures[0]!];
    const doubled = { ...signed, keySet: { ...signed.keySet!, signatures } };
    expect(() => openKeySet(doubled, both)).toThrow('two signatures of one key');
  });
});

describe('rootPin', () => {
  it('does not depend on the order in which the keys are given', () => {
    const keys = [first.publicKey, second.publicKey];
    expect(rootPin(keys)).toEqual(rootPin(keys.toReversed()));
    expect(rootPin(keys)).not.toEqual(pin);
  });
});
