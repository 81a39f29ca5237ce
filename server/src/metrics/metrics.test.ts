import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { SampleReportSchema } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { MetricService } from '@serverflow/gen/es/serverflow/metric/v1/metric_service_pb';
import type { Sample } from '@serverflow/gen/es/serverflow/metric/v1/metric_pb';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { addApp, addMachine, type Machine } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';
import { hearSamples } from './hear.ts';
import { openMetricStore } from './store.ts';

let plane: TestPlane;
let person: Person;
let machine: Machine;
let app: { id: string; name: string };
beforeAll(async () => {
  plane = await startTestPlane({ SERVERFLOW_HEARTBEAT_MS: '150' });
});
beforeEach(async () => {
  person = await plane.person();
  machine = await addMachine(plane, person);
  app = await addApp(person);
});
afterAll(() => plane.close());

const now = Math.floor(Date.now() / 1000) * 1000;
const client = () => person.client(MetricService);
const sampleOf = (cpuPercent: number) => ({
  cpuPercent,
  memoryBytes: 1e9,
  diskBytes: 2e9,
  networkIn: 10,
  networkOut: 20,
  load1: 0.5,
});
const reportOf = (timeMs: number, cpuPercent: number, apps: readonly string[]) =>
  create(SampleReportSchema, {
    timeMs: BigInt(timeMs),
    server: sampleOf(cpuPercent),
    apps: apps.map((appId) => ({ appId, sample: { cpuPercent: 1, memoryBytes: 5e7 } })),
  });
const measure = (timeMs: number, cpuPercent: number, apps = [app.id], from = machine) =>
  from.report((hearing) =>
    hearSamples(hearing, reportOf(timeMs, cpuPercent, apps), plane.parts.metrics),
  );
const cpus = (samples: readonly Sample[]) => samples.map(({ cpuPercent }) => cpuPercent);

test('the last hour of a server comes oldest first, once each', async () => {
  await measure(now - 7_200_000, 1);
  await measure(now - 60_000, 2);
  await measure(now - 30_000, 3);
  await measure(now - 30_000, 3);
  const { samples } = await client().listSamples({ server: machine.name });
  expect(cpus(samples)).toEqual([2, 3]);
  expect(samples[0]).toMatchObject({ ...sampleOf(2), time: timestampFromMs(now - 60_000) });
  const all = await client().listSamples({
    server: machine.id,
    startTime: timestampFromMs(now - 7_200_000),
  });
  expect(cpus(all.samples)).toEqual([1, 2, 3]);
});

test('an app has its own samples, and only those that its own server took', async () => {
  await measure(now - 60_000, 50);
  await measure(now - 30_000, 50, []);
  const other = await addMachine(plane, person, 'other');
  await measure(now - 20_000, 99, [app.id], other);
  const { samples } = await client().listSamples({ app: app.name });
  expect(samples).toMatchObject([{ cpuPercent: 1, memoryBytes: 5e7, diskBytes: 0 }]);
});

test('pages follow each other', async () => {
  for (let index = 0; index < 7; index++) await measure(now - 60_000 + index * 1000, index);
  const seen = [];
  for (let pageToken = ''; ;) {
    const page = await client().listSamples({ server: machine.id, pageSize: 3, pageToken });
    seen.push(cpus(page.samples));
    pageToken = page.nextPageToken;
    if (!pageToken) break;
  }
  expect(seen).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
});

test('watching gives what there is at once, then each sample, and goes on by its cursor', async () => {
  await measure(now - 60_000, 1);
  const seen: number[] = [];
  let cursor = '';
  for await (const message of client().watchSamples({ server: machine.id })) {
    seen.push(...cpus(message.samples));
    cursor = message.cursor;
    if (seen.length === 1) await measure(now - 30_000, 2);
    if (seen.length === 2) break;
  }
  await measure(now, 3);
  for await (const message of client().watchSamples({ server: machine.id, cursor })) {
    seen.push(...cpus(message.samples));
    break;
  }
  expect(seen).toEqual([1, 2, 3]);
});

test('an idle stream has heartbeats', async () => {
  let messages = 0;
  for await (const message of client().watchSamples({ app: app.id })) {
    expect(message.samples).toEqual([]);
    if (++messages === 3) break;
  }
  expect(messages).toBe(3);
});

test('a server that is forgotten leaves no samples', async () => {
  const bare = await addMachine(plane, person, 'bare');
  await measure(now, 1, [], bare);
  await person.client(ServerService).deleteServer({ server: 'bare' });
  expect(plane.parts.metrics.after(bare.id, 0, 10)).toEqual([]);
  expect(plane.parts.metrics.last(bare.id)).toBeUndefined();
});

test('exactly one of server and app, a good cursor, and what one may see', async () => {
  const list = (request: object) => reasonOf(client().listSamples(request));
  expect(await list({})).toBe(Reason.INVALID_ARGUMENT);
  expect(await list({ server: machine.id, app: app.id })).toBe(Reason.INVALID_ARGUMENT);
  expect(await list({ server: machine.id, pageToken: 'x' })).toBe(Reason.BAD_CURSOR);
  const other = (await plane.person()).client(MetricService);
  expect(await reasonOf(other.listSamples({ server: machine.id }))).toBe(Reason.NOT_FOUND);
  const narrow = await person.script(MetricService, { environments: ['staging'] });
  expect(await reasonOf(narrow.listSamples({ app: app.id }))).toBe(Reason.NOT_FOUND);
  const watched = narrow.watchSamples({ app: app.id })[Symbol.asyncIterator]().next();
  expect(await reasonOf(watched)).toBe(Reason.NOT_FOUND);
});

test('a day is kept, and the newest is known from memory and after a restart', () => {
  const store = openMetricStore(':memory:');
  const day = 24 * 3_600_000;
  for (const timeMs of [now - day - 1000, now - day, now]) store.take('a', reportOf(timeMs, 1, []));
  store.take('b', reportOf(now - 5, 2, []));
  store.take('b', reportOf(now - 10, 3, []));
  expect(store.after('a', 0, 10).map(({ timeMs }) => Number(timeMs))).toEqual([now - day, now]);
  expect(store.last('a')?.timeMs).toBe(BigInt(now));
  expect(store.last('b')?.server?.cpuPercent).toBe(2);
  expect(store.last('c')).toBeUndefined();
  store.remove('b');
  expect(store.last('b')).toBeUndefined();
  store.close();
});
