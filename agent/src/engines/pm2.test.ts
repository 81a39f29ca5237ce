import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identify } from '../metrics/processes.ts';
import { freePort } from '../testing/desk.ts';
import { until } from '../testing/until.ts';
import type { RunSpec } from './engine.ts';
import { pm2Engine } from './pm2.ts';

const pm2 = resolve(import.meta.dirname, '../../../node_modules/.bin/pm2');
const state = mkdtempSync(join(tmpdir(), 'sf-pm2-'));
const engine = pm2Engine({ state, pm2 });
const secret = 'correct horse battery staple';

beforeAll(() => {
  writeFileSync(
    join(state, 'app.js'),
    `console.log(JSON.stringify(process.env));
     console.error('to the error file');
     if (process.env.CRASH) process.exit(Number(process.env.CRASH));
     require('node:http').createServer((request, response) => response.end(process.env.SAY ?? '')).listen(process.env.PORT, '127.0.0.1');`,
  );
});

afterAll(async () => {
  await engine.control('stop');
  rmSync(state, { recursive: true, force: true });
});

async function spec(
  appId: string,
  release: number,
  env: Record<string, string> = {},
): Promise<RunSpec> {
  const port = await freePort();
  const argv = [process.execPath, join(state, 'app.js')];
  return {
    appId,
    name: appId,
    release,
    cwd: state,
    argv,
    env: { PORT: String(port), ...env },
    port,
  };
}

const says = (port: number) =>
  fetch(`http://127.0.0.1:${port}/`).then(
    (response) => response.text(),
    () => undefined,
  );

test('runs a release with exactly the given environment and keeps its secrets from argv and from PM2', async () => {
  const run = await spec('plain', 3, { SAY: 'hello', SECRET: secret, pm_exec_path: '/bin/false' });
  await engine.start(run);
  expect(await until(() => says(run.port), 'an answer', 15_000)).toBe('hello');
  const measured = await engine.state('plain', 3);
  expect(measured).toMatchObject({ up: true, restarts: 0 });
  expect(readFileSync(`/proc/${measured?.pid}/cmdline`, 'utf8')).not.toContain(secret);
  expect(await pm2Engine({ state, pm2 }).state('plain', 3)).toEqual(measured);

  const logs = engine.logFiles('plain', 3);
  const printed = await until(() => readFileSync(logs.stdout, 'utf8'), 'output', 15_000);
  expect(JSON.parse(printed)).toEqual({
    ...run.env,
    SERVERFLOW_APP: 'plain',
    SERVERFLOW_RELEASE: '3',
  });
  expect(await until(() => readFileSync(logs.stderr, 'utf8'), 'output', 15_000)).toBe(
    'to the error file\n',
  );
  expect(readFileSync(join(state, 'engine/pm2/plain.3.0.json'), 'utf8')).not.toContain(secret);
  expect(statSync(join(state, 'engine/specs/plain.3.0.json')).mode & 0o777).toBe(0o600);

  await engine.stop('plain', 3);
  expect(await engine.state('plain', 3)).toBeUndefined();
  expect(identify(measured?.pid ?? 0)).toBeUndefined();
  expect(await says(run.port)).toBeUndefined();
}, 60_000);

test('runs two releases, and one release twice, beside each other and stops only the one that is named', async () => {
  const [first, second, again] = [
    await spec('pair', 1, { SAY: 'one' }),
    await spec('pair', 2, { SAY: 'two' }),
    { ...(await spec('pair', 2, { SAY: 'again' })), instance: 1 },
  ];
  for (const run of [first, second, again]) await engine.start(run);
  expect(await until(() => says(again.port), 'an answer', 15_000)).toBe('again');
  expect(
    (await engine.list()).map(({ release, instance, state: { up } }) => [release, instance, up]),
  ).toEqual([
    [1, 0, true],
    [2, 0, true],
    [2, 1, true],
  ]);
  await engine.stop('pair', 2);
  expect(await says(second.port)).toBeUndefined();
  expect(await says(first.port)).toBe('one');
  expect(await says(again.port)).toBe('again');
  await engine.stop('pair', 1);
  await engine.stop('pair', 2, 1);
}, 60_000);

test('counts the restarts of a release that crashes and says its exit code', async () => {
  await engine.start(await spec('crash', 1, { CRASH: '7' }));
  const down = await until(
    async () => {
      const measured = await engine.state('crash', 1);
      return (
        measured?.up === false &&
        measured.exitCode !== undefined &&
        measured.restarts > 0 &&
        measured
      );
    },
    'a restart',
    15_000,
  );
  expect(down.exitCode).toBe(7);
  await engine.stop('crash', 1);
}, 60_000);

test('brings back what runs without a keeper after PM2 was killed, and says so', async () => {
  const run = await spec('orphan', 5, { SAY: 'still here' });
  await engine.start(run);
  await until(() => says(run.port), 'an answer', 15_000);
  const orphan = (await engine.state('orphan', 5))?.pid ?? 0;
  process.kill(Number(readFileSync(join(state, 'pm2/pm2.pid'), 'utf8')), 'SIGKILL');
  await until(async () => !(await engine.status()).running, 'the end of PM2', 15_000);
  expect(await says(run.port)).toBe('still here');

  const said = await engine.repair();
  expect(said).toHaveLength(1);
  expect(said[0]).toMatchObject({ appId: 'orphan', said: expect.stringContaining('PM2 was gone') });
  expect(await until(() => says(run.port), 'an answer', 15_000)).toBe('still here');
  expect(identify(orphan)).toBeUndefined();
  expect(await engine.repair()).toEqual([]);

  process.kill((await engine.state('orphan', 5))?.pid ?? 0, 'SIGKILL');
  await until(
    async () => ((await engine.state('orphan', 5))?.restarts ?? 0) > 0,
    'a restart',
    15_000,
  );
  await engine.stop('orphan', 5);
}, 60_000);

test('an order stops PM2 with everything in it, refuses starts meanwhile, and starts it again', async () => {
  const run = await spec('service', 1, { SAY: 'back' });
  await engine.start(run);
  await until(() => says(run.port), 'an answer', 15_000);
  await engine.control('stop');
  expect(await engine.status()).toMatchObject({
    running: false,
    detail: expect.stringContaining('stopped by an order'),
  });
  expect(await says(run.port)).toBeUndefined();
  expect(await engine.repair()).toEqual([]);
  await expect(engine.start(await spec('service', 2))).rejects.toThrow('ControlService PM2 START');
  await engine.control('start');
  expect(await until(() => says(run.port), 'an answer', 15_000)).toBe('back');
  await engine.stop('service', 1);
}, 60_000);

test.each(['../other', 'a/b', '', 'a b'])('refuses %j as an app in a path', async (appId) => {
  await expect(engine.start(await spec(appId, 1))).rejects.toThrow("not an app's id");
  expect(() => engine.logFiles(appId, 1)).toThrow("not an app's id");
});
