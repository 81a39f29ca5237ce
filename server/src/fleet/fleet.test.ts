import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Code, ConnectError } from '@connectrpc/connect';
import { generateSigningKey } from '@serverflow/agent/envelope';
import { AuditService } from '@serverflow/gen/es/serverflow/audit/v1/audit_service_pb';
import { ServerState } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addAgent, connectAgent, type AgentSession, type TestAgent } from '../testing/agent.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { soon } from '../testing/soon.ts';

let plane: TestPlane;
let person: Person;
let agent: TestAgent;
const open: AgentSession[] = [];
beforeAll(async () => {
  plane = await startTestPlane({ SERVERFLOW_ORDER_WAIT_MS: '20000' });
  person = await plane.person();
  agent = await addAgent(plane, person);
});
afterEach(async () => {
  for (const session of open.splice(0)) {
    session.cut();
    await session.ended;
  }
  await soon(() => plane.parts.fleet.isOnline(agent.id)).toBe(false);
});
afterAll(() => plane.close());

async function connect(turn: Parameters<typeof connectAgent>[2] = {}): Promise<AgentSession> {
  const session = await connectAgent(plane, agent, turn);
  open.push(session);
  return session;
}
const servers = () => person.client(ServerService);
const refusal = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'let in',
    (thrown: unknown) =>
      thrown instanceof ConnectError ? `${Code[thrown.code]}: ${thrown.rawMessage}` : thrown,
  );
const refused = 'Unauthenticated: not accepted';

test('an agent is on line for as long as its connection lives, and answers a signed ping', async () => {
  const session = await connect();
  const { server } = await servers().getServer({ server: 'box' });
  expect(server).toMatchObject({ state: ServerState.ONLINE, name: 'box' });
  expect(server?.keyWords).toMatch(/^\w+ \w+ \w+ \w+$/);
  const { roundTripMs } = await servers().pingServer({ server: 'box' });
  expect(roundTripMs).toBeGreaterThan(0);
  session.cut();
  await soon(async () => (await servers().getServer({ server: 'box' })).server?.state).toBe(
    ServerState.OFFLINE,
  );
});

test('whoever cannot prove the key is refused with one answer: another key, another host, no such agent, a replayed proof', async () => {
  const stranger = { ...agent, signingKey: generateSigningKey() };
  expect(await refusal(connectAgent(plane, stranger))).toBe(refused);
  expect(await refusal(connectAgent(plane, { ...agent, id: 'srv_none' }))).toBe(refused);
  expect(await refusal(connect({ host: 'relay.example.com' }))).toBe(refused);
  const { proof } = await connect();
  expect(await refusal(connect({ proof }))).toBe(refused);
});

test('a second agent with the same key is refused as a clone while the first lives, and that is kept', async () => {
  const first = await connect();
  expect(await refusal(connect())).toBe(refused);
  const { events } = await person.client(AuditService).listEvents({});
  expect(events.map((event) => event.reason)).toContain('CLONE');
  await servers().pingServer({ server: 'box' });
  first.cut();
});

test('a half-open connection gives way to a new one of the same agent', async () => {
  const half = await connect({ answersPings: false });
  await connect();
  expect(await half.ended).toBeUndefined();
  expect(await servers().pingServer({ server: 'box' })).toBeDefined();
});

test('a ping of a server that is not connected is refused as such', async () => {
  await expect(servers().pingServer({ server: 'box' })).rejects.toThrow(/not connected/);
});

test('an agent whose server is deleted is off within two seconds and refused from then on', async () => {
  const gone = await addAgent(plane, person, 'gone');
  const session = await connectAgent(plane, gone);
  const deletedAt = performance.now();
  await servers().deleteServer({ server: 'gone' });
  await session.ended;
  expect(performance.now() - deletedAt).toBeLessThan(2_000);
  expect(await refusal(connectAgent(plane, gone))).toBe(refused);
});

test('the order-signing key is in its own file of the signer only, never in the database', async () => {
  await connect();
  await servers().pingServer({ server: 'box' });
  const { data } = plane.config;
  const seed = readFileSync(join(data, 'trust', 'order.key'));
  expect(seed).toHaveLength(32);
  const forms = [seed, seed.toString('hex'), seed.toString('base64'), seed.toString('base64url')];
  const databases = readdirSync(data).filter((name) => /\.db(-wal)?$/.test(name));
  expect(databases).toContain('serverflow.db');
  for (const name of databases) {
    const bytes = readFileSync(join(data, name));
    for (const form of forms) expect(bytes.includes(form)).toBe(false);
  }
});
