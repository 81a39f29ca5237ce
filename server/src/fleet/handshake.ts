import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  checkAgent,
  makeNonce,
  proveControlPlane,
  sessionId,
  transcript,
} from '@serverflow/agent/envelope';
import {
  ChallengeSchema,
  type ConnectRequest,
  type ConnectResponse,
} from '@serverflow/gen/es/serverflow/agent/v1/agent_service_pb';
import { Server, type ServerRow } from '../servers/entity.ts';
import { handshakeMs, type FleetParts } from './parts.ts';

/** An agent that has proved itself, and the session that it did so for. */
export type Proven = { readonly server: ServerRow; readonly sessionId: Uint8Array };

/** The one thing a stranger is told. */
export function notAccepted(): ConnectError {
  return new ConnectError('not accepted', Code.Unauthenticated);
}

/** Shakes hands: proves this control plane first, then demands the agent's proof over the same transcript. Throws notAccepted, also after 10 s. */
export async function shakeHands(
  parts: FleetParts,
  incoming: AsyncIterator<ConnectRequest>,
  send: (message: ConnectResponse['message']) => void,
): Promise<Proven> {
  const hello = await expect(incoming, 'hello');
  const server = await parts.store.all().findOne(Server, { id: hello.agentId });
  if (!server?.publicKey || !Buffer.from(server.publicKey, 'base64').equals(hello.publicKey))
    throw notAccepted();
  parts.signer.warm();
  const challenge = challengeOf(parts, server.organization);
  const signed = transcript({
    host: new URL(parts.config.publicUrl).host,
    tenant: server.organization,
    slot: server.id,
    agentPublicKey: hello.publicKey,
    controlKeyId: challenge.keyId,
    agentNonce: hello.agentNonce,
    controlNonce: challenge.controlNonce,
    agentVersion: hello.agentVersion,
    keySetVersion: parts.trust.version,
    controlTimeMs: challenge.timeMs,
  });
  challenge.signature = proveControlPlane(signed, parts.trust.authKey);
  send({ case: 'challenge', value: challenge });
  const proof = await expect(incoming, 'proof');
  if (!checkAgent(signed, hello.publicKey, proof)) throw notAccepted();
  return { server, sessionId: sessionId(signed) };
}

/** A challenge without its signature; nonces are random and never used twice. */
export function challengeOf(parts: FleetParts, tenantId: string) {
  return create(ChallengeSchema, {
    keySet: parts.trust.keySet,
    keyId: parts.trust.authKey.keyId,
    controlNonce: makeNonce(),
    timeMs: BigInt(Date.now()),
    tenantId,
  });
}

type Message<R extends { message: { case: string | undefined } }, C> =
  Extract<R['message'], { case: C }> extends { value: infer V } ? V : never;

/** The next message, which must be of the named kind and come within 10 s; throws notAccepted. */
export async function expect<
  R extends { message: { case: string | undefined; value?: unknown } },
  C extends string,
>(incoming: AsyncIterator<R>, kind: C): Promise<Message<R, C>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(notAccepted()), handshakeMs);
  });
  try {
    const { done, value } = await Promise.race([incoming.next(), late]);
    if (done || (value as R).message.case !== kind) throw notAccepted();
    return (value as R).message.value as Message<R, C>;
  } finally {
    clearTimeout(timer);
  }
}
