import { createCipheriv, createDecipheriv } from 'node:crypto';
import { keySchedule, sharedSecret } from './hpke-schedule.ts';
import { generateSealingKey, type SealingKey } from './keys.ts';
import { concat } from './pae.ts';
import { Refusal } from './refusal.ts';

// Sizes of X25519's encapsulated key and of AES-GCM's tag, in bytes (RFC 9180, section 7).
const encBytes = 32;
const tagBytes = 16;

/**
 * Seals bytes to an X25519 public key, once and for all: HPKE base mode of RFC 9180 with X25519,
 * HKDF-SHA256 and AES-256-GCM. Returns the encapsulated key followed by the ciphertext, 48 bytes more
 * than the plaintext; throws BAD_KEY on a weak key. `info` and `aad` must be given again to open it.
 */
export function sealTo(
  publicKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  return sealFrom(generateSealingKey(), publicKey, info, aad, plaintext);
}

/** `sealTo` with a given ephemeral key, which must never be used twice; apart for published vectors. */
export function sealFrom(
  ephemeral: SealingKey,
  publicKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const enc = ephemeral.publicKey;
  const secret = sharedSecret(ephemeral.agree(publicKey), enc, publicKey);
  const { key, nonce } = keySchedule(secret, info);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(aad);
  return concat([enc, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what `sealTo` sealed to this key; throws NOT_SEALED_TO_US unless every byte of it, of `info` and of `aad` is right. */
export function openWith(
  key: SealingKey,
  info: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  if (sealed.length < encBytes + tagBytes) throw notSealedToUs();
  const enc = sealed.subarray(0, encBytes);
  const ciphertext = sealed.subarray(encBytes, -tagBytes);
  try {
    const secret = sharedSecret(key.agree(enc), enc, key.publicKey);
    const schedule = keySchedule(secret, info);
    const decipher = createDecipheriv('aes-256-gcm', schedule.key, schedule.nonce, {
      authTagLength: tagBytes,
    });
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    return concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    throw notSealedToUs();
  }
}

function notSealedToUs(): Refusal {
  return new Refusal(
    'NOT_SEALED_TO_US',
    'The value was not sealed to this key, app, name and version; set the variable again.',
  );
}
