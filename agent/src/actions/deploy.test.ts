import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppState, StepName, StepState } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGitServer, type GitServer } from '../../../tests/support/git-server.ts';
import { appSpec, deployOrder, makeDesk, nodeApp, type TestDesk } from '../testing/desk.ts';
import { startLoad } from '../testing/load.ts';
import { machineOf } from '../verbs/machine.ts';
import { perform } from './perform.ts';

let desk: TestDesk;
let git: GitServer;
const { signal } = new AbortController();

beforeAll(async () => {
  desk = await makeDesk('embedded');
  git = await startGitServer();
});
afterAll(async () => {
  await desk.close();
  await git.close();
});

const deploy = async (order: Parameters<typeof deployOrder>[0]) => {
  expect(await perform(desk.context, deployOrder(order), signal)).toEqual({ outcome: 'done' });
  return desk.end(`${order.app.appId}-${order.release}`);
};
const states = (deployment: string) =>
  desk
    .steps(deployment)
    .filter(({ state }) => state !== StepState.STEP_STATE_RUNNING)
    .map(({ step, state }) => [step, state]);

test('deploys a commit, tells each step, and says what serves', async () => {
  const app = appSpec('story', git.address('story'));
  const commit = await git.commit('story', nodeApp('one'), 'Say one\n\nAnd more.');
  expect(await deploy({ app, release: 1 })).toMatchObject({
    outcome: 1,
    commit,
    commitMessage: 'Say one',
    servingRelease: 1,
  });
  expect(await desk.get('story.localhost')).toEqual({ status: 200, body: 'one' });
  const { STEP_STATE_DONE: done, STEP_STATE_SKIPPED: skipped } = StepState;
  expect(states('story-1')).toEqual([
    [StepName.STEP_NAME_FETCH, done],
    [StepName.STEP_NAME_INSPECT, done],
    [StepName.STEP_NAME_INSTALL, skipped],
    [StepName.STEP_NAME_BUILD, skipped],
    [StepName.STEP_NAME_START, done],
    [StepName.STEP_NAME_HEALTH, done],
    [StepName.STEP_NAME_SWITCH, done],
    [StepName.STEP_NAME_BAKE, done],
    [StepName.STEP_NAME_DRAIN, skipped],
    [StepName.STEP_NAME_KEEP, done],
  ]);
  expect(desk.app('story')).toMatchObject({
    state: AppState.APP_STATE_SERVING,
    servingRelease: 1,
    keptReleases: [1],
    urls: [`http://story.localhost:${desk.frontPort}`],
  });
  const root = join(desk.context.settings.apps, 'story');
  expect(existsSync(join(root, 'releases/1/tree/.git'))).toBe(false);
  expect(readlinkSync(join(root, 'current'))).toBe('releases/1');
}, 60_000);

test('updates without a failed request, keeps as many releases as asked, and ends old processes', async () => {
  const app = appSpec('update', git.address('update'), { keepReleases: 2 });
  await git.commit('update', nodeApp('v1'), 'One');
  await deploy({ app, release: 1 });
  const load = startLoad({
    host: '127.0.0.1',
    port: desk.frontPort,
    hostname: 'update.localhost',
    perSecond: 50,
  });
  for (const release of [2, 3]) {
    await git.commit('update', nodeApp(`v${release}`), `Number ${release}`);
    expect(await deploy({ app, release })).toMatchObject({ outcome: 1, servingRelease: release });
  }
  const met = await load.stop();
  expect(met.failures).toEqual([]);
  expect([...met.bodies.keys()].sort()).toEqual(['v1', 'v2', 'v3']);
  expect(desk.app('update')?.keptReleases).toEqual([2, 3]);
  expect(existsSync(join(desk.context.settings.apps, 'update/releases/1'))).toBe(false);
  const runs = await machineOf(desk.context).engine.list();
  expect(runs.filter(({ appId }) => appId === 'update').map(({ release }) => release)).toEqual([3]);
}, 90_000);

test('gives variables to the program and to nobody else', async () => {
  const secret = 'a very secret greeting';
  const app = appSpec('secret', git.address('secret'));
  await git.commit(
    'secret',
    {
      ...nodeApp('hello '),
      'package.json': JSON.stringify({
        scripts: { start: 'node server.js', build: 'echo build says $GREETING' },
      }),
    },
    'Greet',
  );
  await deploy({ app, release: 1, variables: { GREETING: secret } });
  expect(await desk.get('secret.localhost')).toEqual({ status: 200, body: `hello ${secret}` });
  const kept = join(desk.context.settings.apps, 'secret/releases/1/variables.json');
  expect(statSync(kept).mode & 0o777).toBe(0o600);
  expect(readFileSync(kept, 'utf8')).not.toContain(secret);
  expect(desk.log('secret-1').join('\n')).toContain('build says [redacted]');
  const told = JSON.stringify(desk.reports, (_key, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
  expect(told).not.toContain(secret);
}, 60_000);

test('installs by the lock file, builds, and serves the output of a site', async () => {
  const app = appSpec('site', git.address('site'));
  const manifest = {
    name: 'site',
    version: '1.0.0',
    scripts: {
      build:
        "node -e \"fs.mkdirSync('dist'); fs.writeFileSync('dist/index.html', '<h1>built</h1>')\"",
    },
  };
  const lock = {
    name: 'site',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: { '': { name: 'site', version: '1.0.0' } },
  };
  await git.commit(
    'site',
    { 'package.json': JSON.stringify(manifest), 'package-lock.json': JSON.stringify(lock) },
    'A site',
  );
  expect(await deploy({ app, release: 1 })).toMatchObject({ outcome: 1 });
  expect((await desk.get('site.localhost')).body).toBe('<h1>built</h1>');
  expect(await desk.get('site.localhost', '/any/route')).toMatchObject({ status: 200 });
  expect(desk.log('site-1').join('\n')).toContain('npm ci');
}, 60_000);

test('deploys a folder of files, a tag, a branch with a slash and a full commit id', async () => {
  const app = appSpec('refs', git.address('refs'));
  const first = await git.commit('refs', { 'index.html': 'first', 'style.css': 'p {}' }, 'First');
  await git.tag('refs', 'v1');
  await git.commit('refs', { 'index.html': 'main' }, 'Second');
  await git.commit('refs', { 'index.html': 'third' }, 'Third', 'feature/three');
  for (const [release, ref, body] of [
    [1, 'v1', 'first'],
    [2, 'main', 'main'],
    [3, 'feature/three', 'third'],
    [4, first, 'first'],
    [5, '', 'main'],
  ] as const) {
    expect(await deploy({ app, release, ref })).toMatchObject({ outcome: 1 });
    expect((await desk.get('refs.localhost')).body).toBe(body);
  }
}, 90_000);

test('refuses a second deployment of an app while one runs', async () => {
  const app = appSpec('twice', git.address('twice'));
  await git.commit('twice', nodeApp('once'), 'Once');
  const first = deploy({ app, release: 1 });
  expect(await perform(desk.context, deployOrder({ app, release: 2 }), signal)).toMatchObject({
    outcome: 'refused',
    code: 'DEPLOYMENT_RUNNING',
  });
  expect(await first).toMatchObject({ outcome: 1 });
  expect(desk.steps('twice-2')).toEqual([]);
}, 60_000);

test('refuses what is taken already and variables of another server, and harms nothing', async () => {
  const app = appSpec('taken', git.address('taken'));
  await git.commit('taken', nodeApp('mine'), 'Mine');
  await deploy({ app, release: 1 });
  desk.reports.length = 0;
  const codeOf = async (order: Parameters<typeof deployOrder>[0]) =>
    (await deploy(order))?.failure?.code;
  expect(await codeOf({ app, release: 1 })).toBe('RELEASE_TAKEN');
  const thief = { ...appSpec('thief', git.address('taken')), name: 'taken' };
  expect(await codeOf({ app: thief, release: 1 })).toBe('NAME_TAKEN');
  const foreign = deployOrder({ app, release: 2, variables: { KEY: 'value' } });
  if (foreign.action?.$case !== 'deploy') throw new Error('no deploy');
  for (const variable of foreign.action.value.variables) variable.sealed = Buffer.from('foreign');
  await perform(desk.context, foreign, signal);
  expect(desk.end('taken-2')).toMatchObject({
    servingRelease: 1,
    failure: { code: 'VARIABLE_UNOPENED', message: expect.stringContaining('KEY') },
  });
  expect((await desk.get('taken.localhost')).body).toBe('mine');
  expect(existsSync(join(desk.context.settings.apps, 'taken/releases/1/tree/server.js'))).toBe(
    true,
  );
}, 60_000);
