import { create } from '@bufbuild/protobuf';
import {
  ConnectResponseSchema,
  type ConnectRequest,
  type ConnectResponse,
} from '@serverflow/gen/es/serverflow/agent/v1/agent_service_pb';
import type { Report } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { writeAgentEvent } from '../audit/audit.ts';
import { changesTopic } from '../live.ts';
import { Server } from '../servers/entity.ts';
import { notAccepted, shakeHands, type Proven } from './handshake.ts';
import { ordersTopic, serverTopic } from './outbox.ts';
import { Outgoing } from './outgoing.ts';
import type { FleetParts } from './parts.ts';
import { takeReports } from './reports.ts';
import { Session } from './session.ts';

/** How many reports one transaction takes at the most. */
const batch = 200;

/** How long an older connection of the same agent has to show that it lives, in milliseconds. */
const pingMs = 2_000;

/**
 * One agent's connection, from its hello to its end: a handshake, then orders and acknowledgements down, reports up. What is sent goes through
 * one queue; what is heard is taken in order.
 */
export async function* connectAgent(
  parts: FleetParts,
  requests: AsyncIterable<ConnectRequest>,
  address: string,
  signal: AbortSignal,
): AsyncIterable<ConnectResponse> {
  const outgoing = new Outgoing<ConnectResponse['message']>();
  const incoming = requests[Symbol.asyncIterator]();
  const failed = { error: undefined as unknown };
  const end = () => outgoing.end();
  signal.addEventListener('abort', end, { once: true });
  void converse(parts, incoming, outgoing, address)
    .catch((thrown: unknown) => (failed.error = thrown))
    .finally(end);
  for await (const message of outgoing) yield create(ConnectResponseSchema, { message });
  if (failed.error !== undefined && !signal.aborted) throw tell(parts, failed.error);
}

async function converse(
  parts: FleetParts,
  incoming: AsyncIterator<ConnectRequest>,
  outgoing: Outgoing<ConnectResponse['message']>,
  address: string,
): Promise<void> {
  const proven = await shakeHands(parts, incoming, (message) => outgoing.push(message));
  await evict(parts, proven, address);
  const { server } = proven;
  const session = new Session(parts, outgoing, {
    server: server.id,
    organization: server.organization,
    id: proven.sessionId,
  });
  const fresh = await parts.store.all().findOneOrFail(Server, server.id);
  session.push({
    case: 'authorized',
    value: {
      $typeName: 'serverflow.agent.v1.Authorized',
      sessionId: proven.sessionId,
      acknowledged: BigInt(fresh.acknowledged),
    },
  });
  parts.sessions.set(server.id, session);
  await told(parts, proven);
  const stop = new AbortController();
  const beating = heartbeats(parts, session);
  void deliver(parts, session, stop.signal);
  try {
    await hear(parts, session, incoming);
  } finally {
    clearInterval(beating);
    stop.abort();
    outgoing.end();
    if (parts.sessions.get(server.id) === session) parts.sessions.delete(server.id);
    await told(parts, proven);
  }
}

/** An older connection of the same agent is asked for a receipt: one that answers is a clone's or the original's, and the newer is refused. */
async function evict(parts: FleetParts, { server }: Proven, address: string): Promise<void> {
  const older = parts.sessions.get(server.id);
  if (!older) return;
  const lives = await older.ping({ person: '', client: '', tokenId: '' }, pingMs).then(
    () => true,
    () => false,
  );
  if (!lives) return older.end();
  parts.log.warn({ server: server.id, address }, 'a second agent with the same key was refused');
  await parts.store
    .all()
    .transactional((em) =>
      writeAgentEvent(em, server, {
        outcome: 'denied',
        reason: 'CLONE',
        summary:
          'a second agent came with the same key and was refused: the key may have been copied',
        address,
      }),
    );
  throw notAccepted();
}

async function hear(
  parts: FleetParts,
  session: Session,
  incoming: AsyncIterator<ConnectRequest>,
): Promise<void> {
  const waiting: Report[] = [];
  let taking: Promise<void> | undefined;
  let fault: unknown;
  const take = async () => {
    while (waiting.length > 0) {
      const acknowledged = await takeReports(parts, session, waiting.splice(0, batch));
      session.push({ case: 'acknowledged', value: BigInt(acknowledged) });
    }
  };
  try {
    for (;;) {
      const { done, value } = await within(incoming.next(), parts.config.deadAfterMs);
      if (done) return;
      session.lastHeardMs = Date.now();
      if (value.message.case === 'report') waiting.push(value.message.value);
      else if (value.message.case !== 'heartbeat') throw notAccepted();
      taking ??= take()
        .catch((thrown: unknown) => (fault = thrown))
        .then(() => (taking = undefined));
      // An agent that reports faster than the disk takes it waits here, and so does its stream.
      if (waiting.length > 4 * batch) await taking;
      if (fault !== undefined) throw fault;
    }
  } finally {
    await taking;
  }
}

function heartbeats(parts: FleetParts, session: Session): NodeJS.Timeout {
  return setInterval(() => {
    session.push({
      case: 'heartbeat',
      value: { $typeName: 'serverflow.agent.v1.Heartbeat', timeMs: BigInt(Date.now()) },
    });
  }, parts.config.heartbeatMs);
}

async function deliver(parts: FleetParts, session: Session, signal: AbortSignal): Promise<void> {
  const heard = parts.live.subscribe([ordersTopic(session.server)], signal);
  await session.deliver().catch(() => {});
  for await (const _wake of heard) await session.deliver().catch(() => {});
}

/** Tells watchers that a server came or went, and notes when it was last seen. */
async function told(parts: FleetParts, { server }: Proven): Promise<void> {
  const em = parts.store.all();
  await em.nativeUpdate(Server, { id: server.id }, { lastSeenAt: new Date() });
  parts.live.publish(changesTopic(server.organization), {
    organization: server.organization,
    kind: ThingKind.SERVER,
    id: server.id,
    name: server.name,
  });
  parts.live.publish(serverTopic(server.id));
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Silence()), ms);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}

class Silence extends Error {}

function tell(parts: FleetParts, thrown: unknown): Error {
  const refused = notAccepted();
  if (!(thrown instanceof Silence)) parts.log.info({ err: thrown }, "an agent's connection ended");
  return refused;
}
