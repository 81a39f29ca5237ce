import {
  checkControlPlane,
  makeNonce,
  proveAgent,
  sameBytes,
  sessionId,
  transcript,
} from '@serverflow/agent/envelope';
import type {
  Challenge,
  ConnectResponse,
} from '@serverflow/gen/grpc/serverflow/agent/v1/agent_service';
import type { Stream } from './channel.ts';
import { Complaint } from './complaint.ts';
import { AGENT_VERSION, type Settings } from './config.ts';
import type { Identity } from './identity.ts';
import { authKey, keepTrust, readTrust, type Trust } from './trust.ts';

/** One authenticated connection: what its orders must fit, and its clock. */
export type Session = {
  readonly id: Uint8Array;
  readonly trust: Trust;
  /** The control plane's time, in milliseconds since 1970: what it signed plus what this machine's monotonic clock counted since. */
  readonly now: () => number;
  /** The place of the last order that was taken; 0 at the beginning. */
  lastSequence: number;
};

/** A stream on which both sides have proved who they are. */
export type Opening = {
  readonly session: Session;
  readonly incoming: AsyncIterator<ConnectResponse, undefined>;
  /** The highest report number that the control plane keeps. */
  readonly acknowledged: number;
};

/** What the agent says before it has proof of anything. */
export type Greeting = {
  /** The host and port that this agent dialled. */
  readonly host: string;
  readonly nonce: Uint8Array;
  /** When it was sent, by the monotonic clock: the control plane takes its time after it. */
  readonly sentAtMs: number;
};

/** Proves both sides to each other on a new stream; throws within the handshake's time when either cannot. */
export async function shakeHands(
  { settings, identity }: { readonly settings: Settings; readonly identity: Identity },
  stream: Stream,
): Promise<Opening> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stream.cancel();
  }, settings.handshakeTimeoutMs);
  try {
    const incoming = stream[Symbol.asyncIterator]() as AsyncIterator<ConnectResponse, undefined>;
    const greeting = greet(settings, identity, stream);
    const challenge = await next(incoming);
    if (challenge?.$case !== 'challenge' || challenge.value.keySet === undefined) throw disorder();
    const trust = keepTrust(settings.state, challenge.value.keySet, identity.pin);
    const { session, proof } = answerChallenge(identity, trust, greeting, challenge.value);
    stream.write({ message: { $case: 'proof', value: Buffer.from(proof) } });
    const authorized = await next(incoming);
    if (authorized?.$case !== 'authorized') throw disorder();
    if (!sameBytes(authorized.value.sessionId, session.id)) throw disorder();
    return { session, incoming, acknowledged: Number(authorized.value.acknowledged) };
  } catch (error) {
    if (!isLate) throw error;
    throw new Complaint(
      'HANDSHAKE_TIMEOUT',
      `${settings.controlPlane.host} did not finish the handshake within ${settings.handshakeTimeoutMs} ms; check what stands in between.`,
    );
  } finally {
    clearTimeout(timer);
  }
}

function greet(settings: Settings, identity: Identity, stream: Stream): Greeting {
  const nonce = makeNonce();
  const hello = {
    agentId: identity.agentId,
    publicKey: Buffer.from(identity.signingKey.publicKey),
    agentNonce: Buffer.from(nonce),
    agentVersion: AGENT_VERSION,
    keySetVersion: readTrust(settings.state, identity.pin)?.version ?? 0,
  };
  stream.write({ message: { $case: 'hello', value: hello } });
  return { host: settings.controlPlane.host, nonce, sentAtMs: performance.now() };
}

/** Checks the control plane's proof and makes the agent's; throws a Complaint CHALLENGE_REFUSED before anything is signed. */
export function answerChallenge(
  identity: Identity,
  trust: Trust,
  greeting: Greeting,
  challenge: Challenge,
): { session: Session; proof: Uint8Array } {
  const key = authKey(trust, challenge.keyId);
  const signed = transcript({
    host: greeting.host,
    tenant: identity.tenantId,
    slot: identity.agentId,
    agentPublicKey: identity.signingKey.publicKey,
    controlKeyId: challenge.keyId,
    agentNonce: greeting.nonce,
    controlNonce: challenge.controlNonce,
    agentVersion: AGENT_VERSION,
    keySetVersion: trust.version,
    controlTimeMs: challenge.timeMs,
  });
  if (key === undefined || !checkControlPlane(signed, key.publicKey, challenge.signature)) {
    throw new Complaint(
      'CHALLENGE_REFUSED',
      `What answers at ${greeting.host} cannot prove that it is the control plane of this agent; check the address, and whether something stands in between.`,
    );
  }
  const session: Session = {
    id: sessionId(signed),
    trust,
    now: sessionClock(Number(challenge.timeMs), greeting.sentAtMs),
    lastSequence: 0,
  };
  return { session, proof: proveAgent(signed, identity.signingKey) };
}

/** Counts from a signed time on; it runs ahead by at most the way of the greeting, so that no order lives too long. */
export function sessionClock(timeMs: number, sentAtMs: number): () => number {
  return () => timeMs + Math.floor(performance.now() - sentAtMs);
}

async function next(
  incoming: AsyncIterator<ConnectResponse, undefined>,
): Promise<ConnectResponse['message']> {
  const { done, value } = await incoming.next();
  return done ? undefined : value.message;
}

const disorder = (): Complaint =>
  new Complaint(
    'DISORDER',
    'The control plane broke the order of the handshake; update it or the agent.',
  );
