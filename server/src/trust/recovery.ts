import { createCipheriv, createDecipheriv, randomBytes, randomInt, scryptSync } from 'node:crypto';

/** scrypt for a file that is opened once a year: 128 MiB, about half a second. */
const cost = { N: 2 ** 17, r: 8, p: 1, maxmem: 160 * 1024 * 1024 };
const additional = Buffer.from('serverflow.root-recovery.v1');

/** Makes a passphrase of 158 random bits (32 of 31 letters), in groups that can be copied by hand. */
export function makePassphrase(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  const letters = Array.from({ length: 32 }, () => alphabet.charAt(randomInt(31))).join('');
  return letters.match(/.{4}/g)!.join('-');
}

/** Encrypts the root key's seed under a passphrase (scrypt, AES-256-GCM): salt, nonce, tag, ciphertext. */
export function sealRecovery(seed: Uint8Array, passphrase: string): Buffer {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)];
  const cipher = createCipheriv(
    'aes-256-gcm',
    scryptSync(passphrase, salt, 32, cost),
    nonce,
  ).setAAD(additional);
  const body = Buffer.concat([cipher.update(seed), cipher.final()]);
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), body]);
}

/** Opens a recovery file; throws where the passphrase is wrong or the file was changed. */
export function openRecovery(file: Uint8Array, passphrase: string): Buffer {
  const bytes = Buffer.from(file);
  const key = scryptSync(passphrase, bytes.subarray(0, 16), 32, cost);
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(16, 28))
    .setAAD(additional)
    .setAuthTag(bytes.subarray(28, 44));
  return Buffer.concat([decipher.update(bytes.subarray(44)), decipher.final()]);
}
