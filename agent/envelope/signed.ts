import type { SigningKey } from './keys.ts';
import { Refusal } from './refusal.ts';
import { sameBytes } from './digest.ts';
import { sign, verify, type Label } from './sign.ts';

/** Bytes with the signatures over them; the shape of the contract's message of the same name. */
export type Signed = {
  readonly payload: Uint8Array;
  readonly payloadType: string;
  readonly signatures: readonly Signature[];
};

/** One signature and a hint at its key. */
export type Signature = { readonly keyId: Uint8Array; readonly signature: Uint8Array };

/** What a key may sign. */
export type KeyRole = 'auth' | 'order' | 'receipt' | 'root';

/** A key that the reader trusts in one role; a key with two roles is two entries. */
export type TrustedKey = {
  readonly keyId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly role: KeyRole;
};

/** What one kind of envelope asks of its signatures. */
export type Kind = {
  readonly label: Label;
  readonly role: KeyRole;
  readonly payloadType: string;
};

/** The largest payload that is opened, in bytes: the limit of a request to the control plane too. */
export const maxPayloadBytes = 1024 * 1024;

// As many as a root may have keys, and far more than an order needs.
const maxSignatures = 8;
const maxPayloadTypeBytes = 256;

/** Signs the payload with each of the keys. */
export function seal(kind: Kind, payload: Uint8Array, keys: readonly SigningKey[]): Signed {
  const { label, payloadType } = kind;
  const signatures = keys.map((key) => ({
    keyId: key.keyId,
    signature: sign(key, label, payloadType, payload),
  }));
  return { payload, payloadType, signatures };
}

/**
 * Returns the exact bytes that were signed, or throws a Refusal. It checks, in this order: the size,
 * that each signature names another known key in the right role, that each verifies, and the type.
 */
export function open(kind: Kind, signed: Signed, trusted: readonly TrustedKey[]): Uint8Array {
  checkSize(signed);
  const signers = findSigners(kind, signed, trusted);
  checkSignatures(kind, signed, signers);
  checkType(kind, signed);
  return signed.payload;
}

function checkSize({ payload, payloadType, signatures }: Signed): void {
  if (
    payload.length > maxPayloadBytes ||
    payloadType.length > maxPayloadTypeBytes ||
    signatures.length > maxSignatures
  ) {
    throw new Refusal(
      'TOO_LARGE',
      `The envelope is larger than ${maxPayloadBytes} bytes or ${maxSignatures} signatures; send less at once.`,
    );
  }
}

function findSigners(kind: Kind, signed: Signed, trusted: readonly TrustedKey[]): TrustedKey[] {
  if (signed.signatures.length === 0) {
    throw new Refusal('UNKNOWN_KEY', 'The envelope is not signed; sign it.');
  }
  const signers = signed.signatures.map((signature) => findSigner(kind, signature, trusted));
  // A key that signs twice would let an envelope be changed without breaking it.
  if (new Set(signers).size < signers.length) {
    throw new Refusal('BAD_SIGNATURE', 'The envelope has two signatures of one key; sign it once.');
  }
  return signers;
}

function findSigner(kind: Kind, { keyId }: Signature, trusted: readonly TrustedKey[]): TrustedKey {
  const known = trusted.filter((key) => sameBytes(key.keyId, keyId));
  if (known.length === 0) {
    throw new Refusal(
      'UNKNOWN_KEY',
      'The envelope is signed with a key that is not in the key set; fetch the newest key set.',
    );
  }
  const signer = known.find((key) => key.role === kind.role);
  if (signer) return signer;
  throw new Refusal(
    'WRONG_ROLE',
    `The envelope is signed with a key that may not sign for "${kind.role}"; use one that may.`,
  );
}

function checkSignatures(kind: Kind, signed: Signed, signers: readonly TrustedKey[]): void {
  const { payload, payloadType, signatures } = signed;
  const areGood = signers.every(({ publicKey }, i) => {
    const signature = signatures[i]?.signature;
    return signature && verify(publicKey, kind.label, payloadType, payload, signature);
  });
  if (areGood) return;
  throw new Refusal(
    'BAD_SIGNATURE',
    'The signature does not fit the bytes: they were changed, or signed with another key.',
  );
}

function checkType(kind: Kind, { payloadType }: Signed): void {
  if (payloadType === kind.payloadType) return;
  throw new Refusal('WRONG_TYPE', `The envelope does not carry "${kind.payloadType}".`);
}
