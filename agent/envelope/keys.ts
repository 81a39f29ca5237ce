import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { sha256 } from './digest.ts';
import { concat, pae } from './pae.ts';
import { checkPublicKey, type KeyPurpose } from './points.ts';
import { requireLength } from './refusal.ts';

/** An Ed25519 key pair; printing or serializing it never shows the private half. */
export class SigningKey {
  /** The public half, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The public key's id, 16 bytes. */
  readonly keyId: Uint8Array;
  readonly #secret: KeyObject;

  constructor(seed: Uint8Array) {
    this.#secret = importSeed(seed, 'signing');
    this.publicKey = publicHalf(this.#secret);
    this.keyId = keyId(this.publicKey);
  }

  /** Signs bare bytes, 64 bytes; everyone but sign.ts goes through `sign`, which adds the purpose. */
  signBytes(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, bytes, this.#secret));
  }

  /** The private half, 32 bytes, for a file of mode 0600. */
  exportSeed(): Uint8Array {
    return exportSeed(this.#secret);
  }
}

/** An X25519 key pair; printing or serializing it never shows the private half. */
export class SealingKey {
  /** The public half, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly #secret: KeyObject;

  constructor(seed: Uint8Array) {
    this.#secret = importSeed(seed, 'sealing');
    this.publicKey = publicHalf(this.#secret);
  }

  /** The Diffie-Hellman secret shared with another's public key; throws BAD_KEY on a weak one. */
  agree(publicKey: Uint8Array): Uint8Array {
    checkPublicKey(publicKey, 'sealing');
    const other = importPublicKey(publicKey, 'sealing');
    return new Uint8Array(diffieHellman({ privateKey: this.#secret, publicKey: other }));
  }

  /** The private half, 32 bytes, for a file of mode 0600. */
  exportSeed(): Uint8Array {
    return exportSeed(this.#secret);
  }
}

/** Makes an Ed25519 key pair from the system's randomness. */
export function generateSigningKey(): SigningKey {
  return new SigningKey(randomBytes(32));
}

/** Makes an X25519 key pair from the system's randomness. */
export function generateSealingKey(): SealingKey {
  return new SealingKey(randomBytes(32));
}

/** The Ed25519 key pair of a private half of 32 bytes; throws MALFORMED on another length. */
export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  return new SigningKey(seed);
}

/** The X25519 key pair of a private half of 32 bytes; throws MALFORMED on another length. */
export function sealingKeyFromSeed(seed: Uint8Array): SealingKey {
  return new SealingKey(seed);
}

/** A short name for an Ed25519 public key, 16 bytes; a hint at the key, never a proof of it. */
export function keyId(publicKey: Uint8Array): Uint8Array {
  return sha256(pae('serverflow.key-id.v1', publicKey)).slice(0, 16);
}

/** Turns a raw public key into one that node:crypto takes; checks nothing but the length. */
export function importPublicKey(publicKey: Uint8Array, purpose: KeyPurpose): KeyObject {
  requireLength('public key', publicKey, 32);
  const key = Buffer.from(concat([derPrefixes[purpose].publicKey, publicKey]));
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

// RFC 8410: what comes before the 32 raw bytes in the DER forms. OID 1.3.101.112 is Ed25519, .110 X25519.
const derPrefixes = {
  signing: {
    publicKey: Buffer.from('302a300506032b6570032100', 'hex'),
    seed: Buffer.from('302e020100300506032b657004220420', 'hex'),
  },
  sealing: {
    publicKey: Buffer.from('302a300506032b656e032100', 'hex'),
    seed: Buffer.from('302e020100300506032b656e04220420', 'hex'),
  },
};

function importSeed(seed: Uint8Array, purpose: KeyPurpose): KeyObject {
  requireLength('private key', seed, 32);
  const key = Buffer.from(concat([derPrefixes[purpose].seed, seed]));
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function exportSeed(secret: KeyObject): Uint8Array {
  return new Uint8Array(secret.export({ format: 'der', type: 'pkcs8' }).subarray(-32));
}

function publicHalf(secret: KeyObject): Uint8Array {
  return new Uint8Array(
    createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32),
  );
}
