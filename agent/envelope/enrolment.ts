import { canonicalHost } from './host.ts';
import type { SigningKey } from './keys.ts';
import { pae, uint64 } from './pae.ts';
import { checkPublicKey } from './points.ts';
import { Refusal, requireLength } from './refusal.ts';
import { labels, sign, verify } from './sign.ts';

/** What both sides of an enrolment must agree on; the agent has no keys in it yet. */
export type Enrolment = {
  /** The host and port that the agent dialled, which a relay cannot imitate. */
  readonly host: string;
  readonly tenant: string;
  /** The id of the server that the token names. */
  readonly slot: string;
  /** 32 random bytes, used once. */
  readonly agentNonce: Uint8Array;
  /** 32 random bytes, used once. */
  readonly controlNonce: Uint8Array;
  /** The id of the key that signs for the control plane. */
  readonly controlKeyId: Uint8Array;
  readonly agentVersion: string;
  readonly keySetVersion: number;
  /** Milliseconds since 1970. */
  readonly controlTimeMs: bigint | number;
};

/** The agent's keys and the proofs that bind them; the shape of the contract's EnrollProof. */
export type EnrolmentProof = {
  readonly publicKey: Uint8Array;
  readonly sealingKey: Uint8Array;
  readonly sealingKeySignature: Uint8Array;
  readonly tokenSignature: Uint8Array;
  readonly keySignature: Uint8Array;
};

/** The bytes that an enrolment signs; throws MALFORMED where a field has a wrong length. */
export function enrolmentTranscript(enrolment: Enrolment): Uint8Array {
  const { agentNonce, controlNonce, controlKeyId } = enrolment;
  requireLength("agent's nonce", agentNonce, 32);
  requireLength("control plane's nonce", controlNonce, 32);
  requireLength("control plane's key id", controlKeyId, 16);
  return pae(
    labels.enroll,
    canonicalHost(enrolment.host),
    enrolment.tenant,
    enrolment.slot,
    agentNonce,
    controlNonce,
    controlKeyId,
    enrolment.agentVersion,
    uint64(enrolment.keySetVersion),
    uint64(enrolment.controlTimeMs),
  );
}

/** The control plane's proof, which comes first. */
export function proveEnrolmentControlPlane(transcript: Uint8Array, key: SigningKey): Uint8Array {
  return sign(key, labels.enroll, 'control-plane', transcript);
}

/** Whether the control plane's proof is good; only then may the agent show its keys. */
export function checkEnrolmentControlPlane(
  transcript: Uint8Array,
  publicKey: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(publicKey, labels.enroll, 'control-plane', transcript, signature);
}

/** Binds the agent's keys to the transcript, by the token's key and by the agent's own. */
export function proveEnrolment(
  transcript: Uint8Array,
  tokenKey: SigningKey,
  agentKey: SigningKey,
  sealingPublicKey: Uint8Array,
): EnrolmentProof {
  const bound = pae(transcript, agentKey.publicKey, sealingPublicKey);
  return {
    publicKey: agentKey.publicKey,
    sealingKey: sealingPublicKey,
    sealingKeySignature: signSealingKey(agentKey, sealingPublicKey),
    tokenSignature: sign(tokenKey, labels.enroll, 'token', bound),
    keySignature: sign(agentKey, labels.enroll, 'agent', bound),
  };
}

/** Throws BAD_KEY or BAD_SIGNATURE unless the proof binds sound keys to this transcript and token. */
export function checkEnrolment(
  transcript: Uint8Array,
  tokenPublicKey: Uint8Array,
  proof: EnrolmentProof,
): void {
  const { publicKey, sealingKey } = proof;
  checkPublicKey(publicKey, 'signing');
  checkPublicKey(sealingKey, 'sealing');
  const bound = pae(transcript, publicKey, sealingKey);
  if (!verify(tokenPublicKey, labels.enroll, 'token', bound, proof.tokenSignature)) {
    throw new Refusal('BAD_SIGNATURE', 'The proof was not made with this token; make a new one.');
  }
  if (
    !verify(publicKey, labels.enroll, 'agent', bound, proof.keySignature) ||
    !checkSealingKey(publicKey, sealingKey, proof.sealingKeySignature)
  ) {
    throw new Refusal('BAD_SIGNATURE', 'The agent does not hold the keys it names; enroll again.');
  }
}

/** The agent's lasting word that secrets for it may be sealed to this key. */
export function signSealingKey(agentKey: SigningKey, sealingPublicKey: Uint8Array): Uint8Array {
  return sign(agentKey, labels.sealingKey, 'x25519', sealingPublicKey);
}

/** Whether the agent of this public key gave its word for the sealing key. */
export function checkSealingKey(
  agentPublicKey: Uint8Array,
  sealingPublicKey: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(agentPublicKey, labels.sealingKey, 'x25519', sealingPublicKey, signature);
}
