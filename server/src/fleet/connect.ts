import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  AuthorizedSchema,
  ConnectResponseSchema,
  HeartbeatSchema,
  type ConnectRequest,
  type ConnectResponse,
} from '@serverflow/gen/es/serverflow/agent/v1/agent_service_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { activityTopic, writeAgentEvent } from '../audit/audit.ts';
import { changesTopic } from '../live.ts';
import { Server, type ServerRow } from '../servers/entity.ts';
import { hear } from './hear.ts';
import { notAccepted, shakeHands } from './handshake.ts';
import { ordersTopic, serverTopic } from './outbox.ts';
import { Outgoing } from './outgoing.ts';
import type { FleetParts } from './parts.ts';
import { Session } from './session.ts';

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
  const failed = { error: undefined as unknown };
  const end = () => outgoing.end();
  signal.addEventListener('abort', end, { once: true });
  const conversation = converse(parts, requests[Symbol.asyncIterator](), outgoing, address)
    .catch((thrown: unknown) => (failed.error = thrown))
    .finally(end);
  for await (const message of outgoing) yield create(ConnectResponseSchema, { message });
  if (signal.aborted) return;
  await conversation;
  if (failed.error === undefined) return;
  if (failed.error instanceof ConnectError) throw failed.error;
  parts.log.warn({ err: failed.error, address }, "an agent's connection ended");
  throw new ConnectError('the session ended', Code.Aborted);
}

async function converse(
  parts: FleetParts,
  incoming: AsyncIterator<ConnectRequest>,
  outgoing: Outgoing<ConnectResponse['message']>,
  address: string,
): Promise<void> {
  const { server, sessionId } = await shakeHands(parts, incoming, (message) =>
    outgoing.push(message),
  );
  await evict(parts, server, address);
  const session = new Session(parts, outgoing, {
    server: server.id,
    organization: server.organization,
    publicKey: server.publicKey ?? '',
    id: sessionId,
  });
  // Two that came at the same moment found nobody to evict: the first to arrive here stays.
  if (parts.sessions.has(server.id)) throw notAccepted();
  parts.sessions.set(server.id, session);
  try {
    await letIn(parts, session, server);
    await hear(parts, session, incoming);
  } finally {
    session.end();
    if (parts.sessions.get(server.id) === session) {
      parts.sessions.delete(server.id);
      await told(parts, server);
    }
  }
}

/** An older connection of the same agent is asked for a receipt: where it answers, one of the two is a clone, and the newer is refused. */
async function evict(parts: FleetParts, server: ServerRow, address: string): Promise<void> {
  const older = parts.sessions.get(server.id);
  if (!older) return;
  const lives = await older.ping({ person: '', client: '', tokenId: '' }, pingMs).then(
    () => true,
    () => false,
  );
  if (!lives) {
    older.end();
    if (parts.sessions.get(server.id) === older) parts.sessions.delete(server.id);
    // Of two that evicted the same old connection, the second finds the first one here.
    if (!parts.sessions.has(server.id)) return;
    throw notAccepted();
  }
  parts.log.warn({ server: server.id, address }, 'a second agent with the same key was refused');
  await parts.store.all().transactional((em) =>
    writeAgentEvent(em, server, {
      outcome: 'denied',
      reason: 'CLONE',
      summary:
        'a second agent came with the same key and was refused: the key may have been copied',
      address,
    }),
  );
  parts.live.publish(activityTopic(server.organization));
  throw notAccepted();
}

/** Lets the agent in and begins what runs beside its reports until the session is over. */
async function letIn(parts: FleetParts, session: Session, server: ServerRow): Promise<void> {
  const fresh = await parts.store.all().findOneOrFail(Server, server.id);
  const acknowledged = BigInt(fresh.acknowledged);
  const authorized = { sessionId: session.id, acknowledged };
  session.push({ case: 'authorized', value: create(AuthorizedSchema, authorized) });
  await told(parts, server);
  if (session.signal.aborted) return;
  const timers = [
    setInterval(() => beat(session), parts.config.heartbeatMs),
    setInterval(() => void check(parts, session), parts.config.recheckMs),
  ];
  session.signal.addEventListener('abort', () => timers.forEach(clearInterval), { once: true });
  void deliver(parts, session);
}

function beat(session: Session): void {
  const value = create(HeartbeatSchema, { timeMs: BigInt(Date.now()) });
  session.push({ case: 'heartbeat', value });
}

/** Ends the session where its server is no longer ours or has other keys by now; otherwise sends what is due again. */
async function check(parts: FleetParts, session: Session): Promise<void> {
  try {
    const row = await parts.store.all().findOne(Server, { id: session.server });
    if (row?.publicKey === session.publicKey) await session.deliver();
    else session.end();
  } catch (thrown) {
    parts.log.error({ server: session.server, err: thrown }, 'a session could not be checked');
  }
}

async function deliver(parts: FleetParts, session: Session): Promise<void> {
  const heard = parts.live.subscribe([ordersTopic(session.server)], session.signal);
  // What fails is logged by the session and tried again at its next check.
  await session.deliver().catch(() => {});
  for await (const _wake of heard) await session.deliver().catch(() => {});
}

/** Tells watchers that a server came or went, and notes when it was last seen. */
async function told(parts: FleetParts, { id, organization, name }: ServerRow): Promise<void> {
  await parts.store.all().nativeUpdate(Server, { id }, { lastSeenAt: new Date() });
  const kind = ThingKind.SERVER;
  parts.live.publish(changesTopic(organization), { organization, kind, id, name });
  parts.live.publish(serverTopic(id));
}
