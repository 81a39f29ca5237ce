import { createHmac } from 'node:crypto';
import { concat, utf8 } from './pae.ts';

// RFC 9180, section 7: DHKEM(X25519, HKDF-SHA256) is 0x0020, HKDF-SHA256 0x0001, AES-256-GCM 0x0002.
const kemSuite = concat([utf8('KEM'), Uint8Array.of(0x00, 0x20)]);
const hpkeSuite = concat([utf8('HPKE'), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x02)]);

const baseMode = Uint8Array.of(0);
const nothing = new Uint8Array();

/** The KEM's shared secret from a Diffie-Hellman result, 32 bytes (RFC 9180, section 4.1). */
export function sharedSecret(
  agreed: Uint8Array,
  enc: Uint8Array,
  publicKey: Uint8Array,
): Uint8Array {
  const prk = extract(nothing, kemSuite, 'eae_prk', agreed);
  return expand(prk, kemSuite, 'shared_secret', concat([enc, publicKey]), 32);
}

/** The AES-256 key and the first nonce of a shared secret, in base mode (RFC 9180, section 5.1). */
export function keySchedule(
  secret: Uint8Array,
  info: Uint8Array,
): { key: Uint8Array; nonce: Uint8Array } {
  const pskIdHash = extract(nothing, hpkeSuite, 'psk_id_hash', nothing);
  const infoHash = extract(nothing, hpkeSuite, 'info_hash', info);
  const context = concat([baseMode, pskIdHash, infoHash]);
  const prk = extract(secret, hpkeSuite, 'secret', nothing);
  return {
    key: expand(prk, hpkeSuite, 'key', context, 32),
    nonce: expand(prk, hpkeSuite, 'base_nonce', context, 12),
  };
}

function extract(
  salt: Uint8Array,
  suite: Uint8Array,
  label: string,
  material: Uint8Array,
): Uint8Array {
  return hmac(salt, concat([utf8('HPKE-v1'), suite, utf8(label), material]));
}

// One block of HKDF is enough: nothing here is longer than a SHA-256 digest.
function expand(
  prk: Uint8Array,
  suite: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const labelled = concat([Uint8Array.of(0, length), utf8('HPKE-v1'), suite, utf8(label), info]);
  return hmac(prk, concat([labelled, Uint8Array.of(1)])).slice(0, length);
}

function hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(message).digest());
}
