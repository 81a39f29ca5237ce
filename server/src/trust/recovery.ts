import { createCipheriv, createDecipheriv, randomBytes, randomInt, scryptSync } from 'node:crypto';

const additional = Buffer.from('serverflow.root-recovery.v1');

/** How hard a passphrase is to try, as the power of two that is scrypt's N: a person's takes half a second and 128 MiB, a random one needs no more than 16 MiB. */
export const hardness = { person: 17, random: 14 } as const;

/** Makes a passphrase of 158 random bits (32 of 31 letters), in groups that can be copied by hand. */
export function makePassphrase(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  const letters = Array.from({ length: 32 }, () => alphabet.charAt(randomInt(31))).join('');
  return letters.match(/.{4}/g)!.join('-');
}

/** Encrypts the root key's seed under a passphrase (scrypt, AES-256-GCM): hardness, salt, nonce, tag, ciphertext. */
export function sealRecovery(seed: Uint8Array, passphrase: string, log2N: number): Buffer {
  const [head, salt, nonce] = [Buffer.from([log2N]), randomBytes(16), randomBytes(12)];
  const key = stretch(passphrase, salt, log2N);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additional);
  const body = Buffer.concat([cipher.update(seed), cipher.final()]);
  return Buffer.concat([head, salt, nonce, cipher.getAuthTag(), body]);
}

/** Opens a recovery file; throws where the passphrase is wrong or the file was changed. */
export function openRecovery(file: Uint8Array, passphrase: string): Buffer {
  const bytes = Buffer.from(file);
  const log2N = bytes.readUInt8(0);
  if (log2N > hardness.person) throw new Error('The recovery file was changed.');
  const key = stretch(passphrase, bytes.subarray(1, 17), log2N);
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(17, 29))
    .setAAD(additional)
    .setAuthTag(bytes.subarray(29, 45));
  return Buffer.concat([decipher.update(bytes.subarray(45)), decipher.final()]);
}

function stretch(passphrase: string, salt: Uint8Array, log2N: number): Buffer {
  const cost = { N: 2 ** log2N, r: 8, p: 1, maxmem: 160 * 1024 * 1024 };
  return scryptSync(passphrase, salt, 32, cost);
}
