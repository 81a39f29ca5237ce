import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  generateSealingKey,
  generateSigningKey,
  keyId,
  sealingKeyFromSeed,
  signingKeyFromSeed,
} from './keys.ts';

describe('keys', () => {
  it('give the key pair of RFC 8032, test 1', () => {
    const key = signingKeyFromSeed(
      bytes('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'),
    );
    expect(hex(key.publicKey)).toBe(
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    );
    expect(hex(key.signBytes(new Uint8Array()))).toBe(
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    );
  });

  it('give the shared secret of RFC 7748, section 6.1', () => {
    const alice = sealingKeyFromSeed(
      bytes('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'),
    );
    const bob = sealingKeyFromSeed(
      bytes('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'),
    );
    expect(hex(alice.agree(bob.publicKey))).toBe(
      '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
    );
  });

  it.each([
    ['signing', generateSigningKey, signingKeyFromSeed],
    ['sealing', generateSealingKey, sealingKeyFromSeed],
  ] as const)('come back from the seed they were kept as: %s', (_, generate, fromSeed) => {
    const key = generate();
    expect(fromSeed(key.exportSeed()).publicKey).toEqual(key.publicKey);
    expect(generate().publicKey).not.toEqual(key.publicKey);
  });

  it('never show the private half when printed or serialized', () => {
    for (const key of [generateSigningKey(), generateSealingKey()]) {
      const seed = key.exportSeed();
      const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
      expect(shown).not.toContain(seed.join(', '));
      expect(shown).not.toContain(hex(seed));
      expect(Object.keys(key)).not.toContain('secret');
    }
  });

  it.each([0, 31, 33])('refuse a seed of %i bytes', (length) => {
    expect(() => signingKeyFromSeed(new Uint8Array(length))).toThrow('instead of 32');
    expect(() => sealingKeyFromSeed(new Uint8Array(length))).toThrow('instead of 32');
  });

  it('refuse to agree with a weak key', () => {
    expect(() => generateSealingKey().agree(new Uint8Array(32))).toThrow('small order');
  });

  it('have ids of 16 bytes, one for each key', () => {
    const [a, b] = [generateSigningKey(), generateSigningKey()];
    expect(a.keyId).toHaveLength(16);
    expect(keyId(a.publicKey)).toEqual(a.keyId);
    expect(a.keyId).not.toEqual(b.keyId);
  });
});

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}
