import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { create } from '@bufbuild/protobuf';
import {
  DeploymentOutcome,
  DeploymentReportSchema,
  LogChunkSchema,
} from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { LogStream } from '@serverflow/gen/es/serverflow/log/v1/log_pb';
import {
  LogService,
  type TailLogsResponse,
} from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { hearDeployment } from '../deployments/hear.ts';
import { addApp, addMachine, type Machine } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';
import { hearLog } from './hear.ts';

let plane: TestPlane;
let person: Person;
let machine: Machine;
let app: { id: string; name: string };
beforeAll(async () => {
  plane = await startTestPlane({ SERVERFLOW_HEARTBEAT_MS: '150' });
  person = await plane.person();
  machine = await addMachine(plane, person);
});
beforeEach(async () => {
  app = await addApp(person);
});
afterAll(() => plane.close());

const client = () => person.client(LogService);

function say(first: number, count: number, deploymentId = '', from = machine): Promise<void> {
  const chunk = create(LogChunkSchema, {
    appId: app.id,
    deploymentId,
    firstNumber: BigInt(first),
    lines: Array.from({ length: count }, (_, index) => ({
      timeMs: 1_700_000_000_000n,
      stream: LogStream.STDOUT,
      text: `line ${first + index}`,
    })),
  });
  return from.report((hearing) => hearLog(hearing, chunk, plane.parts.logs));
}

/** Reads a tail until what was read satisfies, and closes it. */
async function tail(
  request: { cursor?: string; last?: number; deployment?: number },
  until: (messages: readonly TailLogsResponse[]) => boolean | Promise<boolean>,
): Promise<TailLogsResponse[]> {
  const messages: TailLogsResponse[] = [];
  for await (const message of client().tailLogs({ app: app.name, ...request })) {
    messages.push(message);
    if (await until(messages)) break;
  }
  return messages;
}
const numbersOf = (messages: readonly TailLogsResponse[]) =>
  messages.flatMap(({ lines }) => lines.map(({ number }) => number));
const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

test('the last lines come first, in order, and the page before can be asked for', async () => {
  await say(1, 30);
  const page = await client().searchLogs({ app: app.name, limit: 10 });
  expect(page.lines.map(({ number }) => number)).toEqual(range(21, 30));
  expect(page.lines[0]).toMatchObject({ stream: LogStream.STDOUT, text: 'line 21' });
  const { before } = page;
  const earlier = await client().searchLogs({ app: app.name, limit: 30, before });
  expect(earlier.lines.map(({ number }) => number)).toEqual(range(1, 20));
  expect(earlier.before).toBe('');
  const found = await client().searchLogs({ app: app.name, contains: 'LINE 2' });
  expect(found.lines.map(({ number }) => number)).toEqual([2, ...range(20, 29)]);
});

test('the cursor of a page goes on in a tail without a gap or a double', async () => {
  await say(1, 5);
  const { cursor } = await client().searchLogs({ app: app.name });
  await say(6, 5);
  const messages = await tail({ cursor }, (seen) => numbersOf(seen).length >= 5);
  expect(numbersOf(messages)).toEqual(range(6, 10));
});

test('an empty log answers at once, with heartbeats, and then with its first lines', async () => {
  const messages = await tail({}, async (seen) => {
    if (seen.length === 3) await say(1, 2);
    return numbersOf(seen).length > 0;
  });
  expect(messages.slice(0, 3).map(({ lines, cursor }) => [lines.length, cursor])).toEqual([
    [0, '0'],
    [0, '0'],
    [0, '0'],
  ]);
  expect(numbersOf(messages)).toEqual([1, 2]);
});

test('chunks that come again or overlap while somebody follows are seen once', async () => {
  await say(1, 20);
  const messages = await tail({ last: 5 }, async (seen) => {
    if (seen.length === 1) {
      await say(16, 5);
      await say(18, 8);
      await say(1, 25);
      await say(26, 1);
    }
    return numbersOf(seen).includes(26);
  });
  expect(numbersOf(messages)).toEqual(range(16, 26));
  expect(messages.every(({ gap }) => gap === 0)).toBe(true);
});

test('a reader that comes back by its cursor reads each line once', async () => {
  const all: number[] = [];
  let cursor = '';
  for (let first = 1; first <= 50; first += 10) {
    await say(first, 10);
    const messages = await tail({ cursor, last: 100 }, (seen) => numbersOf(seen).length > 0);
    all.push(...numbersOf(messages));
    cursor = messages.at(-1)!.cursor;
  }
  expect(all).toEqual(range(1, 50));
});

test('lost lines are counted before the line that follows them', async () => {
  await say(1, 3);
  await say(10, 2);
  const messages = await tail({}, (seen) => numbersOf(seen).includes(11));
  const withLines = messages.filter(({ lines }) => lines.length > 0);
  expect(withLines.map(({ gap, lines }) => [gap, lines.map(({ number }) => number)])).toEqual([
    [0, [1, 2, 3]],
    [6, [10, 11]],
  ]);
});

test('a deployment’s log ends with the deployment, once all is read', async () => {
  const { deployment } = await person.client(DeploymentService).createDeployment({ app: app.name });
  const { id } = deployment!;
  await say(1, 700, id);
  const end = create(DeploymentReportSchema, {
    deploymentId: id,
    outcome: DeploymentOutcome.FAILED,
  });
  const messages = await tail({ deployment: 1, last: 10_000 }, async (seen) => {
    if (seen.length === 1) {
      await say(701, 5, id);
      await machine.report((hearing) => hearDeployment(hearing, end));
    }
    return false;
  });
  expect(numbersOf(messages)).toEqual(range(1, 705));
  expect(messages.map(({ ended }) => ended).lastIndexOf(false)).toBe(messages.length - 2);
  expect(messages.at(-1)!.ended).toBe(true);
  const own = await client().searchLogs({ app: app.name });
  expect(own.lines).toEqual([]);
});

test('what an agent says of another server’s app, or with an impossible number, is not kept', async () => {
  const foreign = await addMachine(plane, await plane.person());
  await say(1, 3, '', foreign);
  await say(0, 3);
  await say(1, 3, 'dep_of_nobody');
  const { lines } = await client().searchLogs({ app: app.name });
  expect(lines).toEqual([]);
});

test('a token in a line is hidden before the line is kept', async () => {
  const token = await person.token('api');
  const chunk = create(LogChunkSchema, {
    appId: app.id,
    firstNumber: 1n,
    lines: [{ timeMs: 1n, stream: 1, text: `using ${token}` }],
  });
  await machine.report((hearing) => hearLog(hearing, chunk, plane.parts.logs));
  const { lines } = await client().searchLogs({ app: app.name });
  expect(lines.map(({ text }) => text)).toEqual(['using [redacted]']);
});

test('a deleted app’s log is gone', async () => {
  await say(1, 3);
  await person.client(AppService).deleteApp({ app: app.name });
  expect(plane.parts.logs.last(`app:${app.id}`)).toBe(0);
});

test('bad cursors, other organizations and other environments are refused', async () => {
  const first = async (service: typeof client, request: object) => {
    const stream = service().tailLogs({ app: app.id, ...request });
    return reasonOf(stream[Symbol.asyncIterator]().next());
  };
  expect(await first(client, { cursor: 'x' })).toBe(Reason.BAD_CURSOR);
  expect(await reasonOf(client().searchLogs({ app: app.id, before: '-1' }))).toBe(
    Reason.BAD_CURSOR,
  );
  expect(await reasonOf(client().searchLogs({ app: app.id, deployment: 7 }))).toBe(
    Reason.NOT_FOUND,
  );
  const narrow = await person.script(LogService, { environments: ['staging'] });
  const other = (await plane.person()).client(LogService);
  for (const caller of [narrow, other]) {
    expect(await reasonOf(caller.searchLogs({ app: app.id }))).toBe(Reason.NOT_FOUND);
    expect(await first(() => caller, {})).toBe(Reason.NOT_FOUND);
  }
});
