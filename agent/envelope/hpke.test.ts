import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { createCipheriv, createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openWith, sealFrom, sealTo } from './hpke.ts';
import { keySchedule, sharedSecret } from './hpke-schedule.ts';
import { generateSealingKey, sealingKeyFromSeed, type SealingKey } from './keys.ts';
import { Refusal } from './refusal.ts';
import { variableAad, variableInfo } from './variable.ts';

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});
const key = generateSealingKey();
const info = variableInfo('tenant-1', 'server-1', 'app-1');
const aad = variableAad('DATABASE_URL', 7);
const secret = Uint8Array.from(Buffer.from('postgres://shop:swordfish@db/shop'));

describe('sealTo and openWith', () => {
  it('bring back what was sealed, of any length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 2000 }),
        fc.uint8Array(),
        fc.uint8Array(),
        (m, i, a) => {
          expect(openWith(key, i, a, sealTo(key.publicKey, i, a, m))).toEqual(m);
        },
      ),
    );
  });

  it('never give the same bytes twice', () => {
    expect(seal()).not.toEqual(seal());
  });

  it('open nothing with a single bit flipped, wherever it is', () => {
    const sealed = seal();
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = sealed.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(() => openWith(key, info, aad, flipped)).toThrow(Refusal);
    }
  });

  it('open nothing that is cut off, at any length', () => {
    const sealed = seal();
    for (let length = 0; length < sealed.length; length++) {
      expect(() => openWith(key, info, aad, sealed.subarray(0, length))).toThrow(Refusal);
    }
  });

  it.each([
    ['tenant', variableInfo('tenant-2', 'server-1', 'app-1'), aad, key],
    ['agent', variableInfo('tenant-1', 'server-2', 'app-1'), aad, key],
    ['app', variableInfo('tenant-1', 'server-1', 'app-2'), aad, key],
    ['name', info, variableAad('DATABASE_URI', 7), key],
    ['version', info, variableAad('DATABASE_URL', 8), key],
    ['key', info, aad, generateSealingKey()],
  ])('open nothing for another %s', (_, otherInfo, otherAad, otherKey) => {
    expect(() => openWith(otherKey, otherInfo, otherAad, seal())).toThrow('was not sealed to this');
  });

  it('seal to no weak key', () => {
    expect(() => sealTo(new Uint8Array(32), info, aad, secret)).toThrow('small order');
    expect(() => sealTo(new Uint8Array(31), info, aad, secret)).toThrow('instead of 32');
  });
});

describe('another implementation, @hpke/core on WebCrypto', () => {
  it('opens what we seal', async () => {
    const sealed = seal();
    const recipientKey = await foreignKey(key);
    const enc = buffer(sealed.subarray(0, 32));
    const opener = { recipientKey, enc, info: buffer(info) };
    const opened = await suite.open(opener, buffer(sealed.subarray(32)), buffer(aad));
    expect(new Uint8Array(opened)).toEqual(secret);
  });

  it('seals what we open', async () => {
    const recipientPublicKey = await suite.kem.deserializePublicKey(buffer(key.publicKey));
    const sender = { recipientPublicKey, info: buffer(info) };
    const { enc, ct } = await suite.seal(sender, buffer(secret), buffer(aad));
    const sealed = new Uint8Array(Buffer.concat([new Uint8Array(enc), new Uint8Array(ct)]));
    expect(openWith(key, info, aad, sealed)).toEqual(secret);
  });
});

// RFC 9180's published vectors for mode 0, KEM 0x0020, KDF 0x0001, AEAD 0x0002 (test-vectors.json of
// the RFC); the ciphertexts in the condensed form of Go's crypto/hpke: SHAKE128 over 1000 of them.
describe("RFC 9180's vector for this suite", () => {
  const vector = {
    info: bytes('4f6465206f6e2061204772656369616e2055726e'),
    ikmE: bytes('2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9'),
    skRm: bytes('497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d'),
    pkRm: bytes('430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c'),
    enc: bytes('6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256'),
    ciphertexts: '1702e73e1e71705faa8241022af1deea',
  };

  it('has the keys, the encapsulation and a thousand ciphertexts that we compute', async () => {
    const ephemeral = await derived(vector.ikmE);
    expect(ephemeral.publicKey).toEqual(vector.enc);
    const recipient = sealingKeyFromSeed(vector.skRm);
    expect(recipient.publicKey).toEqual(vector.pkRm);
    const agreed = ephemeral.agree(recipient.publicKey);
    expect(recipient.agree(ephemeral.publicKey)).toEqual(agreed);
    const schedule = keySchedule(sharedSecret(agreed, vector.enc, vector.pkRm), vector.info);
    expect(condensed(schedule.key, schedule.nonce)).toBe(vector.ciphertexts);
  });

  it('has the first of these ciphertexts from sealFrom, and openWith opens it', async () => {
    const ephemeral = await derived(vector.ikmE);
    const recipient = sealingKeyFromSeed(vector.skRm);
    const agreed = ephemeral.agree(recipient.publicKey);
    const schedule = keySchedule(sharedSecret(agreed, vector.enc, vector.pkRm), vector.info);
    const sealed = sealFrom(ephemeral, vector.pkRm, vector.info, aad, secret);
    expect(sealed.slice(0, 32)).toEqual(vector.enc);
    expect(sealed.slice(32)).toEqual(encrypt(schedule.key, schedule.nonce, aad, secret));
    expect(openWith(recipient, vector.info, aad, sealed)).toEqual(secret);
  });
});

describe('variableInfo and variableAad', () => {
  it('are the text that the contract shows, so that every caller can make them', () => {
    expect(Buffer.from(info).toString()).toBe('serverflow/env/v1|tenant-1|server-1|app-1');
    expect(Buffer.from(aad).toString()).toBe('DATABASE_URL|7');
  });

  it('refuse pieces that would be ambiguous', () => {
    expect(() => variableInfo('a|b', 'c', 'd')).toThrow(Refusal);
    expect(() => variableInfo('', 'c', 'd')).toThrow(Refusal);
    expect(() => variableAad('A|1', 2)).toThrow(Refusal);
    expect(() => variableAad('A', 1.5)).toThrow(Refusal);
  });
});

function seal(): Uint8Array {
  return sealTo(key.publicKey, info, aad, secret);
}

async function derived(ikm: Uint8Array): Promise<SealingKey> {
  const pair = await suite.kem.deriveKeyPair(buffer(ikm));
  const raw = await suite.kem.serializePrivateKey(pair.privateKey);
  return sealingKeyFromSeed(new Uint8Array(raw));
}

async function foreignKey(own: SealingKey): Promise<CryptoKey> {
  return suite.kem.deserializePrivateKey(buffer(own.exportSeed()));
}

/** SHAKE128 over the ciphertexts of 1000 messages whose bytes come from SHAKE128 of nothing. */
function condensed(aesKey: Uint8Array, baseNonce: Uint8Array): string {
  const source = createHash('shake128', { outputLength: 1000 * 2 * 256 }).digest();
  const sink = createHash('shake128', { outputLength: 16 });
  let offset = 0;
  const draw = () => {
    const length = source[offset++] ?? 0;
    return source.subarray(offset, (offset += length));
  };
  for (let sequence = 0; sequence < 1000; sequence++) {
    const nonce = Buffer.from(baseNonce);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8);
    const additional = draw();
    sink.update(encrypt(aesKey, nonce, additional, draw()));
  }
  return sink.digest('hex');
}

function encrypt(aesKey: Uint8Array, nonce: Uint8Array, additional: Uint8Array, plain: Uint8Array) {
  const cipher = createCipheriv('aes-256-gcm', aesKey, nonce);
  cipher.setAAD(additional);
  const parts = [cipher.update(plain), cipher.final()];
  return new Uint8Array(Buffer.concat([...parts, cipher.getAuthTag()]));
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function buffer(view: Uint8Array): ArrayBuffer {
  return Uint8Array.from(view).buffer;
}
