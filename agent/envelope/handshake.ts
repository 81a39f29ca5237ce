import { randomBytes } from 'node:crypto';
import { sha256 } from './digest.ts';
import { canonicalHost } from './host.ts';
import type { SigningKey } from './keys.ts';
import { pae, uint64 } from './pae.ts';
import { requireLength } from './refusal.ts';
import { labels, sign, verify } from './sign.ts';

/** What both sides of a session must agree on. */
export type Handshake = {
  /** The host and port that the agent dialled, which a relay cannot imitate. */
  readonly host: string;
  readonly tenant: string;
  /** The id of the agent's server. */
  readonly slot: string;
  readonly agentPublicKey: Uint8Array;
  /** The id of the key that signs for the control plane. */
  readonly controlKeyId: Uint8Array;
  /** 32 random bytes, used once. */
  readonly agentNonce: Uint8Array;
  /** 32 random bytes, used once. */
  readonly controlNonce: Uint8Array;
  readonly agentVersion: string;
  readonly keySetVersion: number;
  /** Milliseconds since 1970. */
  readonly controlTimeMs: bigint | number;
};

/** Makes a nonce of 32 random bytes. */
export function makeNonce(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}

/** The bytes that both sides sign; throws MALFORMED where a field has a wrong length. */
export function transcript(handshake: Handshake): Uint8Array {
  const { agentPublicKey, controlKeyId, agentNonce, controlNonce } = handshake;
  requireLength("agent's public key", agentPublicKey, 32);
  requireLength("control plane's key id", controlKeyId, 16);
  requireLength("agent's nonce", agentNonce, 32);
  requireLength("control plane's nonce", controlNonce, 32);
  return pae(
    labels.auth,
    canonicalHost(handshake.host),
    handshake.tenant,
    handshake.slot,
    agentPublicKey,
    controlKeyId,
    agentNonce,
    controlNonce,
    handshake.agentVersion,
    uint64(handshake.keySetVersion),
    uint64(handshake.controlTimeMs),
  );
}

/** The session's id, 32 bytes; orders carry it, so that they are worthless in any other session. */
export function sessionId(transcript: Uint8Array): Uint8Array {
  return sha256(transcript);
}

/** The control plane's proof, which comes first. */
export function proveControlPlane(transcript: Uint8Array, key: SigningKey): Uint8Array {
  return sign(key, labels.auth, 'control-plane', transcript);
}

/** Whether the control plane's proof is good; only then may the agent answer. */
export function checkControlPlane(
  transcript: Uint8Array,
  publicKey: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(publicKey, labels.auth, 'control-plane', transcript, signature);
}

/** The agent's proof. */
export function proveAgent(transcript: Uint8Array, key: SigningKey): Uint8Array {
  return sign(key, labels.auth, 'agent', transcript);
}

/** Whether the agent's proof is good. */
export function checkAgent(
  transcript: Uint8Array,
  publicKey: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(publicKey, labels.auth, 'agent', transcript, signature);
}
