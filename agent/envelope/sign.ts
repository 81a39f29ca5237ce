import { verify as verifyBytes } from 'node:crypto';
import { importPublicKey, type SigningKey } from './keys.ts';
import { pae } from './pae.ts';
import { checkPublicKey } from './points.ts';

/** One label for each purpose of a signature, so that none can pass for another. */
export const labels = {
  auth: 'serverflow.auth.v1',
  order: 'serverflow.order.v1',
  receipt: 'serverflow.receipt.v1',
  keySet: 'serverflow.key-set.v1',
  enroll: 'serverflow.enroll.v1',
  sealingKey: 'serverflow.sealing-key.v1',
} as const;

/** The purpose of a signature. */
export type Label = (typeof labels)[keyof typeof labels];

/** Signs the exact bytes of a payload together with their purpose and type, 64 bytes. */
export function sign(
  key: SigningKey,
  label: Label,
  payloadType: string,
  payload: Uint8Array,
): Uint8Array {
  return key.signBytes(pae(label, payloadType, payload));
}

/** Whether `sign` made the signature from the same arguments; false, never an error, on any bytes. */
export function verify(
  publicKey: Uint8Array,
  label: Label,
  payloadType: string,
  payload: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== 64) return false;
  try {
    // Node 20 verifies any message under the identity point, so weak keys stop here on every version.
    checkPublicKey(publicKey, 'signing');
    const signed = pae(label, payloadType, payload);
    return verifyBytes(null, signed, importPublicKey(publicKey, 'signing'), signature);
  } catch {
    return false;
  }
}
