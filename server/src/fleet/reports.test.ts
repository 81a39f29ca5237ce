import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  FactsReportSchema,
  LogChunkSchema,
  LogStream,
  StepName,
  StepReportSchema,
  StepState,
  type Report,
} from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Deployment } from '../deployments/entity.ts';
import { logKey } from '../logs/store.ts';
import { Server } from '../servers/entity.ts';
import { addAgent, connectAgent, type AgentSession, type TestAgent } from '../testing/agent.ts';
import { addApp } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { soon } from '../testing/soon.ts';

let plane: TestPlane;
let person: Person;
let agent: TestAgent;
let app: { id: string; name: string };
let deployment: string;
let session: AgentSession;
beforeAll(async () => {
  plane = await startTestPlane({ SERVERFLOW_DEAD_AFTER_MS: '2000' });
  person = await plane.person();
  agent = await addAgent(plane, person);
  const first = await connect();
  first.report(1, facts('first'));
  await vi.waitUntil(() => first.lastAck() === 1, 10_000);
  app = await addApp(person, { server: 'box' });
  const made = await person.client(DeploymentService).createDeployment({ app: app.name });
  deployment = made.deployment!.id;
  await leave();
});
afterEach(leave);
afterAll(() => plane.close());

const connect = async (turn = {}) => (session = await connectAgent(plane, agent, turn));
async function leave(): Promise<void> {
  session.cut();
  await session.ended;
  await vi.waitUntil(() => !plane.parts.fleet.isOnline(agent.id), 10_000);
}
const facts = (hostname: string): Report['body'] => ({
  case: 'facts',
  value: create(FactsReportSchema, { hostname }),
});
const step = (detail: string): Report['body'] => ({
  case: 'step',
  value: create(StepReportSchema, {
    deploymentId: deployment,
    step: StepName.FETCH,
    state: StepState.RUNNING,
    startMs: 1n,
    detail,
  }),
});
const lines = (first: number, count: number): Report['body'] => ({
  case: 'log',
  value: create(LogChunkSchema, {
    appId: app.id,
    firstNumber: BigInt(first),
    lines: Array.from({ length: count }, (_, i) => ({
      timeMs: 1n,
      stream: LogStream.STDOUT,
      text: `line ${first + i}`,
    })),
  }),
});
const revision = async () =>
  (await plane.store.all().findOneOrFail(Deployment, deployment)).revision;
const kept = async () => (await plane.store.all().findOneOrFail(Server, agent.id)).acknowledged;

test('what an agent says of its machine is shown', async () => {
  const of = await connect();
  of.report(of.acknowledged + 1, facts('box.example.com'));
  await soon(of.lastAck).toBe(of.acknowledged + 1);
  const { server } = await person.client(ServerService).getServer({ server: 'box' });
  expect(server?.facts?.hostname).toBe('box.example.com');
});

test('a report that comes again takes effect once, in the same session and in the next', async () => {
  const first = await connect();
  const [number, before] = [first.acknowledged + 1, await revision()];
  first.report(number, step('one'));
  first.report(number, step('one'));
  await soon(first.lastAck).toBe(number);
  expect(await revision()).toBe(before + 1);
  await leave();
  const second = await connect();
  expect(second.acknowledged).toBe(number);
  second.report(number, step('one'));
  second.report(number + 1, step('two'));
  await soon(second.lastAck).toBe(number + 1);
  expect(await revision()).toBe(before + 2);
});

test('reports whose acknowledgement was lost with the connection take effect once', async () => {
  const first = await connect();
  const [from, before] = [first.acknowledged + 1, await revision()];
  for (let number = from; number < from + 50; number++) first.report(number, step(`${number}`));
  await soon(kept).toBeGreaterThanOrEqual(from);
  await leave();
  const second = await connect();
  for (let number = from; number < from + 50; number++) second.report(number, step(`${number}`));
  await soon(second.lastAck).toBe(from + 49);
  expect(await revision()).toBe(before + 50);
});

test('a report that cannot take effect is passed over and holds no other up; an empty one only counts', async () => {
  const of = await connect();
  const [from, before] = [of.acknowledged + 1, await revision()];
  of.report(from, step('before'));
  of.report(from + 1, {
    case: 'receipt',
    value: {
      $typeName: 'serverflow.agent.v1.Signed',
      payload: new Uint8Array(3),
      payloadType: 'x',
      signatures: [],
    },
  });
  of.report(from + 2, { case: undefined });
  of.report(from + 3, step('after'));
  await soon(of.lastAck).toBe(from + 3);
  expect(await revision()).toBe(before + 2);
});

test('a report that is missing ends the connection before anything after it takes effect', async () => {
  const of = await connect();
  const [from, before] = [of.acknowledged + 1, await revision()];
  of.report(from + 1, step('too early'));
  expect(String(await of.ended)).toMatch(/the session ended/);
  expect([await kept(), await revision()]).toEqual([from - 1, before]);
});

test('a report that is larger than any agent sends ends the connection without effect', async () => {
  const of = await connect();
  of.report(of.acknowledged + 1, facts('x'.repeat(1024 * 1024)));
  expect(ConnectError.from(await of.ended).code).toBe(Code.ResourceExhausted);
  expect(await kept()).toBe(of.acknowledged);
});

test('an agent of which nothing is heard for too long is off line', async () => {
  const of = await connect({ isSilent: true });
  expect(plane.parts.fleet.isOnline(agent.id)).toBe(true);
  expect(String(await of.ended)).toMatch(/the session ended/);
  await soon(() => plane.parts.fleet.isOnline(agent.id)).toBe(false);
});

test('log lines that come in a flood are all there, once and in order', async () => {
  const of = await connect();
  const [from, chunks, size] = [of.acknowledged + 1, 60, 100];
  for (let i = 0; i < chunks; i++) of.report(from + i, lines(1 + i * size, size));
  await soon(of.lastAck).toBe(from + chunks - 1);
  const read = [...plane.parts.logs.after(logKey(app.id, ''), 0)].flat();
  expect(read.map((line) => [line.number, line.text])).toEqual(
    Array.from({ length: chunks * size }, (_, i) => [1 + i, `line ${1 + i}`]),
  );
}, 30_000);
