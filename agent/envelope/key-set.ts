import { sameBytes, sha256 } from './digest.ts';
import type { SigningKey } from './keys.ts';
import { trust } from './order.ts';
import { pae } from './pae.ts';
import { checkPublicKey } from './points.ts';
import { Refusal } from './refusal.ts';
import { labels } from './sign.ts';
import { open, seal, type Kind, type Signed } from './signed.ts';

/** A key set and the root keys that signed it; the shape of the contract's message of the same name. */
export type SignedKeySet = {
  readonly keySet?: Signed | undefined;
  readonly rootKeys: readonly Uint8Array[];
};

const keySet: Kind = {
  label: labels.keySet,
  role: 'root',
  payloadType: 'application/vnd.serverflow.key-set.v1+protobuf',
};

/** The digest of a root's public keys in ascending order, 32 bytes: what an enrolment token pins. */
export function rootPin(rootPublicKeys: readonly Uint8Array[]): Uint8Array {
  return sha256(pae('serverflow.root-keys.v1', ...rootPublicKeys.toSorted(Buffer.compare)));
}

/** Signs the exact bytes of a key set with every key of the root. */
export function sealKeySet(payload: Uint8Array, root: readonly SigningKey[]): SignedKeySet {
  const rootKeys = root.map((key) => key.publicKey).toSorted(Buffer.compare);
  return { keySet: seal(keySet, payload, root), rootKeys };
}

/**
 * Returns a key set's bytes, or throws a Refusal: the root keys must have the pinned digest, and
 * every one of them must have signed. Version and expiry are for the reader to check.
 */
export function openKeySet(signed: SignedKeySet, pin: Uint8Array): Uint8Array {
  if (!sameBytes(rootPin(signed.rootKeys), pin)) {
    throw new Refusal(
      'WRONG_PIN',
      'This is not the control plane that made the token: its root keys are others. Check the address and make a new token.',
    );
  }
  for (const key of signed.rootKeys) checkPublicKey(key, 'signing');
  const trusted = signed.rootKeys.flatMap((key) => trust(key, 'root'));
  if (!signed.keySet || signed.keySet.signatures.length !== trusted.length) {
    throw new Refusal(
      'BAD_SIGNATURE',
      'The key set is not signed by every root key; sign it again.',
    );
  }
  return open(keySet, signed.keySet, trusted);
}
