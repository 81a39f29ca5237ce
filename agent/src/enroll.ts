import {
  checkEnrolmentControlPlane,
  enrolmentTranscript,
  fourWords,
  generateSealingKey,
  generateSigningKey,
  makeNonce,
  parseEnrolmentToken,
  proveEnrolment,
  type EnrolmentProof,
  type EnrolmentToken,
} from '@serverflow/agent/envelope';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type {
  Challenge,
  EnrollRequest,
  EnrollResponse,
} from '@serverflow/gen/grpc/serverflow/agent/v1/agent_service';
import { openChannel } from './channel.ts';
import { Complaint } from './complaint.ts';
import { addressFile, AGENT_VERSION, type Settings } from './config.ts';
import { faultOf } from './faults.ts';
import { makePrivateFolder, writeDurably } from './files.ts';
import { type Identity, isEnrolled, writeIdentity } from './identity.ts';
import { preflight } from './preflight.ts';
import { authKey, keepTrust, openTrust, type Trust } from './trust.ts';

/** What an enrolment ends with, for the person to compare with the dashboard. */
export type Enrolled = {
  readonly serverName: string;
  readonly words: string;
  readonly warnings: readonly string[];
};

type Stream = ClientDuplexStream<EnrollRequest, EnrollResponse>;

/** Binds this machine to a control plane by a single-use token; nothing leaves before the control plane has proved itself. Throws a Complaint or a Refusal. */
export async function enroll(settings: Settings, tokenText: string): Promise<Enrolled> {
  if (isEnrolled(settings.state)) {
    throw new Complaint(
      'ALREADY_ENROLLED',
      `An agent is enrolled in ${settings.state} already; choose another folder with --state, or move that one away.`,
    );
  }
  const token = parseEnrolmentToken(tokenText);
  await preflight(settings.controlPlane);
  const client = openChannel(settings.controlPlane);
  const stream = client.enroll();
  const timer = setTimeout(() => stream.cancel(), settings.handshakeTimeoutMs);
  try {
    return await hold(settings, token, stream);
  } catch (error) {
    throw faultOf(error, settings.controlPlane);
  } finally {
    clearTimeout(timer);
    stream.cancel();
    client.close();
  }
}

/** The ceremony: hello, challenge, proof, done. */
async function hold(settings: Settings, token: EnrolmentToken, stream: Stream): Promise<Enrolled> {
  const incoming = stream[Symbol.asyncIterator]() as AsyncIterator<EnrollResponse, undefined>;
  const agentNonce = makeNonce();
  const hello = {
    slot: token.slot,
    agentNonce: Buffer.from(agentNonce),
    agentVersion: AGENT_VERSION,
  };
  stream.write({ message: { $case: 'hello', value: hello } });

  const answer = await next(incoming);
  if (answer?.$case !== 'challenge' || answer.value.keySet === undefined) throw disorder();
  const { value: challenge } = answer;
  const keySet = answer.value.keySet;
  const trust = openTrust(keySet, token.pin);
  const transcript = checkProof(settings, token, trust, agentNonce, challenge);

  const [signingKey, sealingKey] = [generateSigningKey(), generateSealingKey()];
  const proof = proveEnrolment(transcript, token.key, signingKey, sealingKey.publicKey);
  stream.write({ message: { $case: 'proof', value: toMessage(proof) } });

  const done = await next(incoming);
  if (done?.$case !== 'done') throw disorder();
  const { agentId, serverName } = done.value;
  const { tenantId } = challenge;
  const identity = { signingKey, sealingKey, agentId, tenantId, serverName, pin: token.pin };
  keep(settings, identity, () => keepTrust(settings.state, keySet, token.pin));
  return {
    serverName,
    words: fourWords(signingKey.publicKey),
    warnings: warningsOf(settings, challenge),
  };
}

/** Checks the control plane's proof against the pinned root; returns what was signed. */
function checkProof(
  settings: Settings,
  token: EnrolmentToken,
  trust: Trust,
  agentNonce: Uint8Array,
  challenge: Challenge,
): Uint8Array {
  const transcript = enrolmentTranscript({
    host: settings.controlPlane.host,
    tenant: challenge.tenantId,
    slot: token.slot,
    agentNonce,
    controlNonce: challenge.controlNonce,
    controlKeyId: challenge.keyId,
    agentVersion: AGENT_VERSION,
    keySetVersion: trust.version,
    controlTimeMs: challenge.timeMs,
  });
  const key = authKey(trust, challenge.keyId);
  if (
    key === undefined ||
    !checkEnrolmentControlPlane(transcript, key.publicKey, challenge.signature)
  ) {
    throw new Complaint(
      'CHALLENGE_REFUSED',
      `What answers at ${settings.controlPlane.host} cannot prove that it is the control plane of this token; give the address exactly as the dashboard shows it.`,
    );
  }
  if (Number(challenge.timeMs) >= trust.expiresAtMs) {
    throw new Complaint(
      'KEY_SET_EXPIRED',
      'The key set of the control plane has ended; sign a new one with the root key.',
    );
  }
  return transcript;
}

function keep(settings: Settings, identity: Identity, keepKeys: () => void): void {
  makePrivateFolder(settings.state);
  writeDurably(addressFile(settings.state), `${settings.controlPlane.origin}\n`);
  keepKeys();
  writeIdentity(settings.state, identity);
}

/** The session's clock makes a wrong wall clock harmless to orders, but not to certificates and logs. */
function warningsOf(settings: Settings, challenge: Challenge): string[] {
  const offMs = Math.abs(Date.now() - Number(challenge.timeMs));
  const warnings: string[] = [];
  if (offMs > 60_000) {
    warnings.push(
      `This machine's clock is ${Math.round(offMs / 1000)} s off the control plane's; switch time synchronisation on.`,
    );
  }
  if (
    settings.controlPlane.protocol === 'http:' &&
    !/^(localhost|127\.|\[::1\])/.test(settings.controlPlane.hostname)
  ) {
    warnings.push(
      'The connection is not encrypted: orders are signed all the same, but logs can be read on the way; use https.',
    );
  }
  return warnings;
}

async function next(
  incoming: AsyncIterator<EnrollResponse, undefined>,
): Promise<EnrollResponse['message']> {
  const { done, value } = await incoming.next();
  return done ? undefined : value.message;
}

const disorder = (): Complaint =>
  new Complaint(
    'ENROLMENT_REFUSED',
    'The control plane refused the enrolment; make a new token in the dashboard under Servers.',
  );

function toMessage(proof: EnrolmentProof) {
  return {
    publicKey: Buffer.from(proof.publicKey),
    sealingKey: Buffer.from(proof.sealingKey),
    sealingKeySignature: Buffer.from(proof.sealingKeySignature),
    tokenSignature: Buffer.from(proof.tokenSignature),
    keySignature: Buffer.from(proof.keySignature),
  };
}
