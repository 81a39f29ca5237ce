export { openOrder, openReceipt, sealOrder, sealReceipt, trust } from './order.ts';
export { openKeySet, rootPin, sealKeySet, type SignedKeySet } from './key-set.ts';
export type { KeyRole, Signature, Signed, TrustedKey } from './signed.ts';
export { maxPayloadBytes } from './signed.ts';
export { Refusal, type RefusalReason } from './refusal.ts';
export {
  generateSealingKey,
  generateSigningKey,
  keyId,
  SealingKey,
  sealingKeyFromSeed,
  SigningKey,
  signingKeyFromSeed,
} from './keys.ts';
export { checkPublicKey, type KeyPurpose } from './points.ts';
export { fourWords } from './words.ts';
export {
  checkAgent,
  checkControlPlane,
  makeNonce,
  proveAgent,
  proveControlPlane,
  sessionId,
  transcript,
  type Handshake,
} from './handshake.ts';
export {
  checkEnrolment,
  checkEnrolmentControlPlane,
  checkSealingKey,
  enrolmentTranscript,
  proveEnrolment,
  proveEnrolmentControlPlane,
  signSealingKey,
  type Enrolment,
  type EnrolmentProof,
} from './enrolment.ts';
export { makeEnrolmentToken, parseEnrolmentToken, type EnrolmentToken } from './token.ts';
export { openWith, sealTo } from './hpke.ts';
export { variableAad, variableInfo } from './variable.ts';
export { labels, sign, verify, type Label } from './sign.ts';
export { pae } from './pae.ts';
export { sameBytes, sha256 } from './digest.ts';
