import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppState } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { ReportBody } from './context.ts';
import { startReporters } from './reporters.ts';
import { freePort, makeDesk, SHORT, type TestDesk } from './testing/desk.ts';
import { until } from './testing/until.ts';
import { machineOf } from './verbs/machine.ts';

const SECRET = 'a-secret-of-the-app';
let desk: TestDesk;
let port: number;
const stop = new AbortController();
let reporting: Promise<void>;

/** The reports of one kind, oldest first. */
function reports<K extends ReportBody['$case']>(kind: K) {
  return desk.reports.flatMap((body) =>
    body.$case === kind ? [body.value as Extract<ReportBody, { $case: K }>['value']] : [],
  );
}

/** The app as a deployment leaves it: a record, a release with a sealed variable, a process and a site. */
async function leaveApp(): Promise<void> {
  const { settings } = desk.context;
  const release = join(settings.apps, 'shop/releases/4');
  const tree = join(release, 'tree');
  mkdirSync(tree, { recursive: true });
  writeFileSync(
    join(tree, 'server.js'),
    `const { createServer } = require('node:http');
     createServer((request, response) => {
       if (request.url === '/burn') { const until = Date.now() + 1500; while (Date.now() < until); }
       response.end('shop');
     }).listen(process.env.PORT, '127.0.0.1');
     createServer(() => {}).listen(0, '0.0.0.0');
     console.log('the password is', process.env.PASSWORD);`,
  );
  const label = {
    version: 1,
    appId: 'shop',
    release: 4,
    deploymentId: 'd',
    commit: '',
    commitMessage: '',
    directory: '',
    running: { kind: 'node', argv: ['node', 'server.js'], env: {} },
    settings: SHORT,
    createdAtMs: 0,
    isKept: true,
  };
  const sealed = Buffer.from(`sealed:${SECRET}`).toString('base64');
  const record = {
    version: 1,
    appId: 'shop',
    name: 'shop',
    domains: ['shop.example.com'],
    settings: SHORT,
    serving: { release: 4, instance: 0, port },
    isStopped: false,
  };
  writeFileSync(join(release, 'release.json'), JSON.stringify(label));
  writeFileSync(
    join(release, 'variables.json'),
    JSON.stringify([{ name: 'PASSWORD', sealed, version: 1 }]),
  );
  writeFileSync(join(settings.apps, 'shop/app.json'), JSON.stringify(record));
  const { engine, front } = machineOf(desk.context);
  await engine.start({
    appId: 'shop',
    name: 'shop',
    release: 4,
    cwd: tree,
    argv: [process.execPath, 'server.js'],
    env: { PORT: String(port), PASSWORD: SECRET },
    port,
  });
  await front.apply({
    appId: 'shop',
    name: 'shop',
    hostnames: ['shop.example.com'],
    target: { kind: 'port', port },
  });
}

beforeAll(async () => {
  desk = await makeDesk('embedded');
  Object.assign(desk, {
    context: {
      ...desk.context,
      settings: {
        ...desk.context.settings,
        reportIntervalMs: 100,
        metricsIntervalMs: 300,
        logBatchMs: 10,
      },
    },
  });
  port = await freePort();
  mkdirSync(desk.context.settings.apps, { recursive: true });
  await leaveApp();
  reporting = startReporters(desk.context, stop.signal);
}, 60_000);

afterAll(async () => {
  stop.abort();
  await reporting;
  const { engine, front } = machineOf(desk.context);
  await engine.control('stop');
  await front.control('stop');
  await desk.close();
});

test('says what an app does, where it answers and on which ports its program listens', async () => {
  const app = await until(
    () => reports('app').findLast((each) => each.state === AppState.APP_STATE_SERVING),
    'a serving app',
    20_000,
  );
  expect(app).toEqual({
    appId: 'shop',
    state: AppState.APP_STATE_SERVING,
    detail: '',
    servingRelease: 4,
    keptReleases: [4],
    urls: [`http://shop.localhost:${desk.frontPort}`, `http://shop.example.com:${desk.frontPort}`],
    domains: ['shop.example.com'],
  });
  const ports = await until(
    () => reports('ports').findLast((each) => each.ports.length === 2),
    'two ports',
    10_000,
  );
  expect(ports.ports.find((each) => each.expected)).toEqual({
    appId: 'shop',
    port,
    address: '127.0.0.1',
    expected: true,
  });
  expect(ports.ports.find((each) => !each.expected)).toMatchObject({
    appId: 'shop',
    address: '0.0.0.0',
  });
});

test('redacts the variables of apps that were deployed before the agent was started', async () => {
  const lines = () => reports('log').flatMap((chunk) => chunk.lines.map(({ text }) => text));
  await until(() => lines().includes('the password is [redacted]'), 'the line');
  expect(JSON.stringify(lines())).not.toContain(SECRET);
});

test('describes the machine, its services and its policy', async () => {
  const facts = await until(
    () => reports('facts').findLast((each) => each.services.every(({ running }) => running)),
    'facts',
  );
  expect(facts).toMatchObject({
    hostname: hostname(),
    front: 'embedded',
    frontAddress: `127.0.0.1:${desk.frontPort}`,
    services: [{ name: 'front' }, { name: 'pm2', detail: expect.stringMatching(/^PM2 \d/) }],
    readOnly: false,
    repositoryHosts: ['127.0.0.1'],
  });
  expect(facts.os).not.toBe('');
  expect(facts.memoryBytes).toBeGreaterThan(100e6);
  expect(facts.diskBytes).toBeGreaterThan(100e6);
});

test('measures the machine and the process tree of each app', async () => {
  const burning = fetch(`http://127.0.0.1:${port}/burn`);
  const busy = await until(
    () => reports('sample').find(({ apps }) => (apps[0]?.sample?.cpuPercent ?? 0) > 2),
    'a busy app',
    10_000,
  );
  await burning;
  expect(busy.apps).toHaveLength(1);
  expect(busy.apps[0]).toMatchObject({ appId: 'shop' });
  expect(busy.apps[0]?.sample?.memoryBytes).toBeGreaterThan(20e6);
  expect(busy.server?.cpuPercent).toBeGreaterThan(0);
  expect(busy.server?.cpuPercent).toBeLessThanOrEqual(100);
  expect(busy.server?.memoryBytes).toBeGreaterThan(20e6);
  expect(busy.server?.diskBytes).toBeGreaterThan(0);
});

test('reports nothing while nothing changes', async () => {
  const count = () => reports('app').length + reports('ports').length + reports('facts').length;
  const before = count();
  const samples = reports('sample').length;
  await until(() => reports('sample').length >= samples + 2, 'two samples');
  expect(count()).toBe(before);
});

test('says that an app is down and why, that it serves when it is back, and that it was started again', async () => {
  const { engine } = machineOf(desk.context);
  const program = join(desk.context.settings.apps, 'shop/releases/4/tree/server.js');
  const works = readFileSync(program, 'utf8');
  const seen = reports('app').length;
  writeFileSync(program, 'process.exit(3);');
  process.kill((await engine.state('shop', 4))?.pid ?? 0, 'SIGKILL');
  const last = () => reports('app').slice(seen).at(-1);
  await until(() => last()?.detail.includes('exit code 3'), 'down', 30_000);
  expect(last()?.state).toBe(AppState.APP_STATE_DOWN);
  writeFileSync(program, works);
  await until(() => last()?.state === AppState.APP_STATE_SERVING, 'serving again', 45_000);
  const lines = () => reports('log').flatMap((chunk) => chunk.lines.map(({ text }) => text));
  await until(
    () => lines().some((text) => text.startsWith('release 4 ended and PM2 started it again')),
    'the restart',
  );
}, 90_000);

test('starts a front again that was killed', async () => {
  const noted = join(desk.context.settings.state, 'front/process.json');
  const { pid } = JSON.parse(readFileSync(noted, 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await until(
    async () => (await desk.get('shop.localhost').catch(() => undefined))?.body === 'shop',
    'the front',
    30_000,
  );
  expect(JSON.parse(readFileSync(noted, 'utf8'))).not.toMatchObject({ pid });
}, 70_000);
