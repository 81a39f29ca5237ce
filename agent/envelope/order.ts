import { keyId, type SigningKey } from './keys.ts';
import { labels } from './sign.ts';
import { open, seal, type Kind, type KeyRole, type Signed, type TrustedKey } from './signed.ts';

const order: Kind = {
  label: labels.order,
  role: 'order',
  payloadType: 'application/vnd.serverflow.order.v1+protobuf',
};

const receipt: Kind = {
  label: labels.receipt,
  role: 'receipt',
  payloadType: 'application/vnd.serverflow.receipt.v1+protobuf',
};

/** Trusts a public key in these roles. */
export function trust(publicKey: Uint8Array, ...roles: readonly KeyRole[]): TrustedKey[] {
  return roles.map((role) => ({ keyId: keyId(publicKey), publicKey, role }));
}

/** Signs the exact bytes of an order with an order key of the control plane. */
export function sealOrder(payload: Uint8Array, key: SigningKey): Signed {
  return seal(order, payload, [key]);
}

/** Returns an order's bytes, or throws a Refusal; only these bytes may be parsed. */
export function openOrder(signed: Signed, trusted: readonly TrustedKey[]): Uint8Array {
  return open(order, signed, trusted);
}

/** Signs the exact bytes of a receipt with the agent's identity. */
export function sealReceipt(payload: Uint8Array, agentKey: SigningKey): Signed {
  return seal(receipt, payload, [agentKey]);
}

/** Returns a receipt's bytes, or throws a Refusal; only these bytes may be parsed. */
export function openReceipt(signed: Signed, agentPublicKey: Uint8Array): Uint8Array {
  return open(receipt, signed, trust(agentPublicKey, 'receipt'));
}
