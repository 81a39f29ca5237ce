import { readdirSync, readFileSync } from 'node:fs';
import { create, toBinary } from '@bufbuild/protobuf';
import { generateSigningKey } from '@serverflow/agent/envelope';
import {
  OrderOutcome,
  OrderSchema,
  type Order as OrderMessage,
} from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { ServiceAction, ServiceName } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { newOrderId } from '../store/ids.ts';
import {
  addAgent,
  connectAgent,
  type AgentSession,
  type Came,
  type TestAgent,
} from '../testing/agent.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { soon } from '../testing/soon.ts';
import { Order, type ActorColumn } from './entity.ts';
import { ordersTopic } from './outbox.ts';

let plane: TestPlane;
let person: Person;
let agent: TestAgent;
let session: AgentSession;
beforeAll(async () => {
  plane = await startTestPlane({ SERVERFLOW_ORDER_WAIT_MS: '60000' });
  person = await plane.person();
  agent = await addAgent(plane, person);
});
afterEach(async () => {
  session.cut();
  await session.ended;
  await soon(() => plane.parts.fleet.isOnline(agent.id)).toBe(false);
});
afterAll(() => plane.close());

const connect = async () => (session = await connectAgent(plane, agent));
const reload = () =>
  person.client(ServerService).controlService({
    server: 'box',
    service: ServiceName.FRONT,
    action: ServiceAction.RELOAD,
  });
/** Waits for the next order beyond those that came already. */
async function next(of: AgentSession, already = 0): Promise<Came> {
  await soon(() => of.orders.length).toBeGreaterThan(already);
  return of.orders[already]!;
}
const rowOf = (id: string) => plane.store.all().findOneOrFail(Order, id);

/** Writes an order straight into the database, as somebody would who got hold of it. */
async function insert(
  action: OrderMessage['action'] | Buffer,
  actor: ActorColumn,
  hasKey = false,
): Promise<string> {
  const id = newOrderId();
  const em = plane.store.all();
  const placed = {
    id,
    organization: person.organization,
    server: agent.id,
    action: Buffer.isBuffer(action)
      ? action
      : Buffer.from(toBinary(OrderSchema, create(OrderSchema, { action }))),
    kind: Buffer.isBuffer(action) ? 'removeApp' : String(action.case),
    actor,
    subject: '',
  };
  em.create(Order, {
    ...placed,
    mark: hasKey ? plane.parts.fleet.mark(placed) : '',
    state: 'waiting',
    code: '',
    message: '',
    digests: [],
    createdAt: new Date(),
    sentAt: null,
    doneAt: null,
  });
  await em.flush();
  plane.live.publish(ordersTopic(agent.id));
  return id;
}

test('an order is delivered once, signed for its session, and its receipt ends the call that waits', async () => {
  await connect();
  const call = reload();
  const came = await next(session);
  expect(came.order).toMatchObject({
    agentId: agent.id,
    tenantId: person.organization,
    sequence: 1n,
    actor: { person: person.email, client: '' },
    action: { case: 'controlService' },
  });
  expect(Buffer.from(came.order.sessionId)).toEqual(Buffer.from(session.sessionId));
  expect(Number(came.order.expiresAtMs - came.order.issuedAtMs)).toBeLessThanOrEqual(120_000);
  session.report(session.acknowledged + 1, session.receipt(came));
  await call;
  expect(await rowOf(came.order.orderId)).toMatchObject({ state: 'done' });
  await reloadAnd(OrderOutcome.DONE, session, 1, session.acknowledged + 2);
  expect(session.orders).toHaveLength(2);
});

async function reloadAnd(outcome: OrderOutcome, of: AgentSession, already: number, number: number) {
  const call = reload();
  const came = await next(of, already);
  expect(came.order.sequence).toBe(BigInt(already + 1));
  of.report(number, of.receipt(came, { outcome, code: 'POLICY_REFUSED', message: 'not here' }));
  return call;
}

test('an order that the agent refuses ends the call with the words of the agent', async () => {
  await connect();
  const { acknowledged } = session;
  await expect(reloadAnd(OrderOutcome.REFUSED, session, 0, acknowledged + 1)).rejects.toThrow(
    /not here/,
  );
});

test('an order whose connection was cut is delivered again in the next session, under the same id and signed afresh', async () => {
  const first = await connect();
  const call = reload();
  const before = await next(first);
  first.cut();
  await first.ended;
  await soon(() => plane.parts.fleet.isOnline(agent.id)).toBe(false);
  await connect();
  const after = await next(session);
  expect(after.order.orderId).toBe(before.order.orderId);
  expect(after.order.sequence).toBe(1n);
  expect(Buffer.from(after.order.sessionId)).not.toEqual(Buffer.from(before.order.sessionId));
  // The agent had begun in the first session: its receipt speaks of the bytes that came then.
  session.report(session.acknowledged + 1, first.receipt(before));
  await call;
});

test('a receipt of another key or about other bytes has no effect, and the true one still has', async () => {
  await connect();
  const call = reload();
  const came = await next(session);
  const first = session.acknowledged + 1;
  session.report(first, session.receipt(came, { key: generateSigningKey() }));
  session.report(first + 1, session.receipt(came, { digest: new Uint8Array(32) }));
  await soon(() => session.lastAck()).toBe(first + 1);
  expect(await rowOf(came.order.orderId)).toMatchObject({ state: 'waiting' });
  session.report(first + 2, session.receipt(came));
  await call;
});

test('an order that the agent is too busy for is signed afresh and sent again', async () => {
  await connect();
  const call = reload();
  const came = await next(session);
  const number = session.acknowledged + 1;
  const busy = { outcome: OrderOutcome.REFUSED, code: 'BUSY', message: 'later' };
  session.report(number, session.receipt(came, busy));
  const again = await next(session, 1);
  expect(again.order).toMatchObject({ orderId: came.order.orderId, sequence: 2n });
  session.report(number + 1, session.receipt(again));
  await call;
});

test('an order that the agent cannot read is refused, and the session begins anew', async () => {
  const first = await connect();
  const call = reload();
  call.catch(() => {});
  const came = await next(first);
  const unread = { outcome: OrderOutcome.REFUSED, code: 'NOT_CANONICAL', message: 'update me' };
  first.report(first.acknowledged + 1, first.receipt(came, { ...unread, orderId: '' }));
  await expect(call).rejects.toThrow(/update me/);
  await first.ended;
});

test('whoever writes into the database gets no order signed, with the key of the outbox none past the rules of the signer, and holds no other order up', async () => {
  await connect();
  const person_ = { person: person.email, client: '', tokenId: '' };
  const remove = {
    case: 'removeApp',
    value: { $typeName: 'serverflow.agent.v1.RemoveApp', appId: 'app_1' },
  } as const;
  const written = [
    await insert(remove, person_),
    await insert(remove, { ...person_, client: 'an AI client' }),
    await insert(Buffer.from('ff00ff', 'hex'), person_),
  ];
  // Whoever holds the key of the outbox besides stands before the rules of the signer.
  const hostile = [
    await insert(remove, { ...person_, client: 'an AI client' }, true),
    await insert(remove, { ...person_, person: '' }, true),
    await insert(Buffer.from('ff00ff', 'hex'), person_, true),
    await insert({ case: undefined }, person_, true),
  ];
  const call = reload();
  const came = await next(session);
  expect(came.order.action.case).toBe('controlService');
  session.report(session.acknowledged + 1, session.receipt(came));
  await call;
  for (const id of written)
    expect(await rowOf(id)).toMatchObject({ state: 'refused', code: 'NOT_OURS', digests: [] });
  for (const id of hostile)
    expect(await rowOf(id)).toMatchObject({ state: 'refused', code: 'NOT_SIGNED', digests: [] });
  expect(session.orders).toHaveLength(1);
});

test('an edited order does not run: what an ended order is changed to is never sent again', async () => {
  await connect();
  const call = reload();
  const came = await next(session);
  session.report(session.acknowledged + 1, session.receipt(came));
  await call;
  const em = plane.store.all();
  const row = await em.findOneOrFail(Order, came.order.orderId);
  row.action = Buffer.from('00', 'hex');
  await em.flush();
  plane.live.publish(ordersTopic(agent.id));
  const second = reload();
  const other = await next(session, 1);
  expect(other.order.orderId).not.toBe(came.order.orderId);
  session.report(session.acknowledged + 2, session.receipt(other));
  await second;
});

test('an order that was asked for while the signer was killed is sent once it runs again', async () => {
  await connect();
  const call = reload();
  const came = await next(session);
  session.report(session.acknowledged + 1, session.receipt(came));
  await call;
  process.kill(signerPid(), 'SIGKILL');
  const second = reload();
  const other = await next(session, 1);
  session.report(session.acknowledged + 2, session.receipt(other));
  await second;
  expect(await rowOf(other.order.orderId)).toMatchObject({ state: 'done' });
}, 60_000);

/** The process id of the signer, by its command line and folder. */
function signerPid(): number {
  const found = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return line.includes('signer-main.ts') && line.includes(plane.config.data);
    } catch {
      return false;
    }
  });
  return Number(found);
}

test('an order that waits and was edited in the database is not sent', async () => {
  const action = { case: 'ping', value: { $typeName: 'serverflow.agent.v1.Ping' } } as const;
  const id = await insert(action, { person: person.email, client: '', tokenId: '' }, true);
  const em = plane.store.all();
  const row = await em.findOneOrFail(Order, id);
  row.actor = { ...row.actor, person: 'somebody.else@example.com' };
  await em.flush();
  await connect();
  await soon(async () => (await rowOf(id)).code).toBe('NOT_OURS');
  expect(session.orders).toEqual([]);
});
