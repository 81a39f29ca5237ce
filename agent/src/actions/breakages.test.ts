import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  AppState,
  DeploymentOutcome,
  StepName,
  StepState,
} from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { Settings } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGitServer, type Files, type GitServer } from '../../../tests/support/git-server.ts';
import { appSpec, deployOrder, makeDesk, nodeApp, type TestDesk } from '../testing/desk.ts';
import { startLoad } from '../testing/load.ts';
import { machineOf } from '../verbs/machine.ts';
import { perform } from './perform.ts';

let desk: TestDesk;
let git: GitServer;
const { signal } = new AbortController();

beforeAll(async () => {
  desk = await makeDesk('nginx');
  git = await startGitServer();
});
afterAll(async () => {
  await desk.close();
  await git.close();
});

const withScripts = (scripts: Record<string, string>, more: object = {}): Files => ({
  'package.json': JSON.stringify({ scripts: { start: 'node server.js', ...scripts }, ...more }),
});
const server = (code: string): Files => ({
  'server.js': `const http = require('node:http');\n${code}`,
});
const listen = '.listen(process.env.PORT, process.env.HOST);';

type Breakage = {
  readonly files: Files;
  readonly settings?: Partial<Settings>;
  readonly step: StepName;
  readonly code: string;
  readonly says: RegExp;
  readonly evidence?: string;
};

const breakages: Record<string, Breakage> = {
  'the install': {
    files: withScripts({ preinstall: 'echo no compiler here >&2; exit 3' }),
    step: StepName.STEP_NAME_INSTALL,
    code: 'INSTALL_FAILED',
    says: /npm install failed with exit code 3/,
    evidence: 'no compiler here',
  },
  'the lock file': {
    files: {
      ...withScripts({}, { name: 'a', version: '1.0.0', dependencies: { left: 'file:left' } }),
      'left/package.json': JSON.stringify({ name: 'left', version: '1.0.0' }),
      'package-lock.json': JSON.stringify({
        name: 'a',
        version: '1.0.0',
        lockfileVersion: 3,
        packages: { '': { name: 'a', version: '1.0.0' } },
      }),
    },
    step: StepName.STEP_NAME_INSTALL,
    code: 'LOCKFILE_MISMATCH',
    says: /does not fit/,
    evidence: 'left',
  },
  'the build': {
    files: withScripts({ build: 'echo Unexpected token >&2; exit 2' }),
    step: StepName.STEP_NAME_BUILD,
    code: 'BUILD_FAILED',
    says: /npm run build failed with exit code 2/,
    evidence: 'Unexpected token',
  },
  'a build without an end': {
    files: withScripts({ build: 'sleep 600' }),
    settings: { buildTimeoutMs: 1500 },
    step: StepName.STEP_NAME_BUILD,
    code: 'BUILD_TIMEOUT',
    says: /after 2 s/,
  },
  'a crash at the start': {
    files: server(`throw new Error('DATABASE_URL is not set');`),
    step: StepName.STEP_NAME_HEALTH,
    code: 'CRASHED_AT_START',
    says: /ended by itself/,
    evidence: 'DATABASE_URL is not set',
  },
  'a program that never listens': {
    files: server('setInterval(() => {}, 1000);'),
    settings: { healthDeadlineMs: 800 },
    step: StepName.STEP_NAME_HEALTH,
    code: 'NEVER_LISTENED',
    says: /Nothing listened on port \d+/,
  },
  'the wrong port': {
    files: server(`
      const other = http.createServer((request, response) => response.end('hi'));
      other.listen(0, '127.0.0.1', () => console.log('on ' + other.address().port));`),
    step: StepName.STEP_NAME_HEALTH,
    code: 'WRONG_PORT',
    says: /listens on 127\.0\.0\.1:\d+ and not on the port \d+/,
    evidence: 'on ',
  },
  'the wrong address': {
    files: server(`http.createServer(() => {}).listen(process.env.PORT, '127.0.0.2');`),
    settings: { healthDeadlineMs: 4000 },
    step: StepName.STEP_NAME_HEALTH,
    code: 'WRONG_PORT',
    says: /listens on 127\.0\.0\.2:\d+ and not on 127\.0\.0\.1/,
  },
  'health with status 500': {
    files: server(`http.createServer((request, response) => {
      console.error('no table users'); response.statusCode = 500; response.end(); })${listen}`),
    settings: { healthDeadlineMs: 4000 },
    step: StepName.STEP_NAME_HEALTH,
    code: 'HEALTH_STATUS',
    says: /answered 500/,
    evidence: 'no table users',
  },
  'a program that is too slow': {
    files: server(`http.createServer((request, response) =>
      setTimeout(() => response.end('late'), 5000))${listen}`),
    settings: { healthDeadlineMs: 4000, healthTimeoutMs: 200 },
    step: StepName.STEP_NAME_HEALTH,
    code: 'HEALTH_TIMEOUT',
    says: /no answer in 200 ms/,
  },
  'a crash in the bake': {
    files: server(`let asked = 0;
      http.createServer((request, response) => {
        response.end('broken');
        asked += 1;
        if (asked === 4) { console.error('out of tokens'); process.exit(9); }
      })${listen}`),
    settings: { bakeMs: 2000 },
    step: StepName.STEP_NAME_BAKE,
    code: 'CRASHED_IN_BAKE',
    says: /ended by itself after it was switched to/,
    evidence: 'out of tokens',
  },
};

const APP = 'steady';
let release = 1;
const good: Files = { ...nodeApp('good'), 'package-lock.json': null };

test('a good release serves first', async () => {
  await git.commit(APP, nodeApp('good'), 'Good');
  await perform(
    desk.context,
    deployOrder({ app: appSpec(APP, git.address(APP)), release }),
    signal,
  );
  expect(desk.end(`${APP}-1`)).toMatchObject({ servingRelease: 1 });
  expect(desk.end(`${APP}-1`)?.failure).toBeUndefined();
}, 60_000);

test.each(Object.entries(breakages))(
  '%s leaves the old release serving and says why',
  async (name, { files, settings, step, code, says, evidence }) => {
    release += 1;
    const id = `${APP}-${release}`;
    const load = startLoad({
      host: '127.0.0.1',
      port: desk.frontPort,
      hostname: `${APP}.localhost`,
      perSecond: 20,
    });
    const commit = await git.commit(APP, { ...good, ...files }, `Break ${name}`);
    const app = appSpec(APP, git.address(APP), settings);
    const result = await perform(desk.context, deployOrder({ app, release }), signal);
    const met = await load.stop();
    expect(result).toEqual({ outcome: 'done' });
    const end = desk.end(id);
    expect(end).toMatchObject({
      outcome: DeploymentOutcome.DEPLOYMENT_OUTCOME_FAILED,
      commit,
      servingRelease: 1,
      failure: { step, code, message: expect.stringMatching(says) },
    });
    expect(end?.failure?.cause).not.toBe('');
    expect(end?.failure?.next).not.toBe('');
    if (evidence !== undefined) expect(end?.failure?.evidence.join('\n')).toContain(evidence);
    const failed = { step, state: StepState.STEP_STATE_FAILED };
    expect(desk.steps(id).at(-1)).toMatchObject(failed);

    expect(await desk.get(`${APP}.localhost`)).toEqual({ status: 200, body: 'good' });
    expect(met.failures).toEqual([]);
    expect(desk.app(APP)).toMatchObject({
      state: AppState.APP_STATE_SERVING,
      servingRelease: 1,
      keptReleases: [1],
    });
    expect(existsSync(join(desk.context.settings.apps, APP, 'releases', String(release)))).toBe(
      false,
    );
    const runs = await machineOf(desk.context).engine.list();
    expect(runs.filter((run) => run.appId === APP).map((run) => run.release)).toEqual([1]);
  },
  60_000,
);

test('a front that was stopped by an order leaves the old release as it was and says so', async () => {
  const { front } = machineOf(desk.context);
  await front.control('stop');
  await git.commit(APP, { ...good, ...nodeApp('better') }, 'Better');
  release += 1;
  const app = appSpec(APP, git.address(APP));
  await perform(desk.context, deployOrder({ app, release }), signal);
  expect(desk.end(`${APP}-${release}`)).toMatchObject({
    outcome: DeploymentOutcome.DEPLOYMENT_OUTCOME_FAILED,
    servingRelease: 1,
    failure: { step: StepName.STEP_NAME_SWITCH, code: 'SWITCH_FAILED' },
  });
  await front.control('start');
  expect((await desk.get(`${APP}.localhost`)).body).toBe('good');
}, 60_000);

test.each([
  ['gone', 'http://127.0.0.1:9/none.git', '', 'REPOSITORY_UNREACHABLE'],
  ['missing', undefined, '', 'REPOSITORY_DENIED'],
  ['plain', 'http://example.com/none.git', '', 'REPOSITORY_DENIED'],
  ['noref', undefined, 'no-such-branch', 'REF_NOT_FOUND'],
] as const)('a first deployment that cannot fetch (%s) leaves nothing behind', async (...row) => {
  const [appId, address, ref, code] = row;
  if (appId !== 'missing') await git.commit(appId, nodeApp('good'), 'Good');
  const app = appSpec(appId, address ?? git.address(appId));
  await perform(desk.context, deployOrder({ app, release: 1, ref }), signal);
  const end = desk.end(`${appId}-1`);
  expect(end).toMatchObject({
    outcome: DeploymentOutcome.DEPLOYMENT_OUTCOME_FAILED,
    servingRelease: 0,
    failure: { step: StepName.STEP_NAME_FETCH, code },
  });
  expect(desk.app(appId)).toMatchObject({ state: AppState.APP_STATE_NEW, servingRelease: 0 });
  expect(existsSync(join(desk.context.settings.apps, appId, 'releases/1'))).toBe(false);
});
