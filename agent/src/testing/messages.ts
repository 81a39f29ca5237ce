import { randomBytes } from 'node:crypto';
import type { SignedKeySet as SealedKeySet } from '@serverflow/agent/envelope';
import type { Signed, SignedKeySet } from '@serverflow/gen/grpc/serverflow/agent/v1/envelope';

/** The envelope's key set as the generated code's message. */
export function keySetMessage(set: SealedKeySet): SignedKeySet {
  if (set.keySet === undefined) throw new Error('A key set is never without its bytes.');
  return {
    keySet: signedMessage(set.keySet),
    rootKeys: set.rootKeys.map((key) => Buffer.from(key)),
  };
}

/** The envelope's byte arrays as the generated code's Buffers. */
export function signedMessage(signed: {
  readonly payload: Uint8Array;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyId: Uint8Array; readonly signature: Uint8Array }[];
}): Signed {
  return {
    payload: Buffer.from(signed.payload),
    payloadType: signed.payloadType,
    signatures: signed.signatures.map(({ keyId, signature }) => ({
      keyId: Buffer.from(keyId),
      signature: Buffer.from(signature),
    })),
  };
}

/** A UUIDv7 of now. */
export function newOrderId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
