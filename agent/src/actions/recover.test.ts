import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Order } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import {
  AppState,
  DeploymentOutcome,
  StepName,
} from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGitServer, type GitServer } from '../../../tests/support/git-server.ts';
import { commandLine, readProcesses } from '../metrics/processes.ts';
import {
  appSpec,
  deployOrder,
  freePort,
  makeDesk,
  nodeApp,
  type TestDesk,
} from '../testing/desk.ts';
import { machineOf } from '../verbs/machine.ts';
import { perform, recover } from './perform.ts';

const state = mkdtempSync(join(tmpdir(), 'sf-'));
let port: number;
let desk: TestDesk;
let git: GitServer;
const { signal } = new AbortController();

beforeAll(async () => {
  port = await freePort();
  desk = await makeDesk('embedded', state, port);
  git = await startGitServer();
});
afterAll(async () => {
  await desk.close();
  await git.close();
});

/** Carries out an order in a process of its own, which is killed with SIGKILL so long after a step has begun. */
async function killAt(order: Order, step: StepName, delayMs: number): Promise<void> {
  const bytes = Buffer.from(Order.encode(order).finish()).toString('base64');
  const script = join(import.meta.dirname, '../testing/deploy-child.ts');
  const argv = [script, state, String(port), bytes, String(step), String(delayMs)];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [, signalName] = await once(child, 'exit');
  expect(signalName).toBe('SIGKILL');
}

const good = (text: string, marker = '') => ({
  ...nodeApp(text),
  'package.json': JSON.stringify({
    scripts: { start: 'node server.js', build: `sleep 0.3${marker}` },
  }),
});
const { FAILED, SUCCEEDED } = {
  FAILED: DeploymentOutcome.DEPLOYMENT_OUTCOME_FAILED,
  SUCCEEDED: DeploymentOutcome.DEPLOYMENT_OUTCOME_SUCCEEDED,
};

test.each([
  ['fetch-0', StepName.STEP_NAME_FETCH, 0, FAILED],
  ['fetch-40', StepName.STEP_NAME_FETCH, 40, undefined],
  ['build-300', StepName.STEP_NAME_BUILD, 300, FAILED],
  ['start-0', StepName.STEP_NAME_START, 0, FAILED],
  ['start-400', StepName.STEP_NAME_START, 400, undefined],
  ['health-0', StepName.STEP_NAME_HEALTH, 0, FAILED],
  ['switch-0', StepName.STEP_NAME_SWITCH, 0, FAILED],
  ['switch-20', StepName.STEP_NAME_SWITCH, 20, undefined],
  ['bake-0', StepName.STEP_NAME_BAKE, 0, SUCCEEDED],
  ['keep-0', StepName.STEP_NAME_KEEP, 0, SUCCEEDED],
] as const)(
  'an agent killed at %s ms ends the deployment true when it starts again',
  async (appId, step, delayMs, outcome) => {
    await git.commit(appId, good('old'), 'Old');
    const app = appSpec(appId, git.address(appId));
    await perform(desk.context, deployOrder({ app, release: 1 }), signal);
    expect(desk.end(`${appId}-1`)?.outcome).toBe(SUCCEEDED);
    const marker = appId === 'build-300' ? '; sleep 4242' : '';
    await git.commit(appId, good('new', marker), 'New');
    const order = deployOrder({ app, release: 2 });
    await killAt(order, step, delayMs);
    expect((await desk.get(`${appId}.localhost`)).status).toBe(200);

    expect(await recover(desk.context, order)).toEqual({ outcome: 'done' });
    const end = desk.end(`${appId}-2`);
    // Killed somewhere in between, either end is true; what counts is that what is said is so.
    if (outcome !== undefined) expect(end?.outcome).toBe(outcome);
    const serving = end?.outcome === SUCCEEDED ? 2 : 1;
    expect(end?.servingRelease).toBe(serving);
    if (serving === 1) expect(end?.failure).toMatchObject({ code: 'INTERRUPTED', retryable: true });
    expect((await desk.get(`${appId}.localhost`)).body).toBe(serving === 2 ? 'new' : 'old');
    expect(desk.app(appId)).toMatchObject({
      state: AppState.APP_STATE_SERVING,
      servingRelease: serving,
    });
    await expectOnly(appId, serving);
    const releases = readdirSync(join(desk.context.settings.apps, appId, 'releases'));
    expect(releases.sort()).toEqual(serving === 2 ? ['1', '2'] : ['1']);
    expect(readProcesses().some(({ pid }) => commandLine(pid) === 'sleep 4242')).toBe(false);
  },
  60_000,
);

/** Exactly one process of the app runs: that of the release that serves. */
async function expectOnly(appId: string, release: number): Promise<void> {
  const { engine } = machineOf(desk.context);
  const runs = () =>
    engine.list().then((all) => all.filter((run) => run.appId === appId).map((run) => run.release));
  const deadline = Date.now() + 5000;
  while ((await runs()).join() !== String(release) && Date.now() < deadline) await sleep(50);
  expect(await runs()).toEqual([release]);
}

test('a deployment that ended before the agent was killed is reported once more and not run again', async () => {
  await git.commit('ended', good('old'), 'Old');
  const order = deployOrder({ app: appSpec('ended', git.address('ended')), release: 1 });
  await perform(desk.context, order, signal);
  const steps = desk.steps('ended-1').length;
  expect(await recover(desk.context, order)).toEqual({ outcome: 'done' });
  expect(desk.steps('ended-1')).toHaveLength(steps);
  expect(
    desk.reports.filter(
      (body) => body.$case === 'deployment' && body.value.deploymentId === 'ended-1',
    ),
  ).toHaveLength(2);
}, 60_000);

test('an order that the agent was told to stop in the middle of is left for its next start', async () => {
  await git.commit('told', good('old', '; sleep 4243'), 'Old');
  const order = deployOrder({ app: appSpec('told', git.address('told')), release: 1 });
  const stopping = new AbortController();
  const running = perform(desk.context, order, stopping.signal);
  const isBuilding = () =>
    desk.steps('told-1').some(({ step }) => step === StepName.STEP_NAME_BUILD);
  const deadline = Date.now() + 20_000;
  while (!isBuilding() && Date.now() < deadline) await sleep(20);
  stopping.abort();
  await expect(running).rejects.toThrow();
  expect(desk.end('told-1')).toBeUndefined();
  expect(await recover(desk.context, order)).toEqual({ outcome: 'done' });
  expect(desk.end('told-1')).toMatchObject({ outcome: FAILED, failure: { code: 'INTERRUPTED' } });
  expect(readProcesses().some(({ pid }) => commandLine(pid) === 'sleep 4243')).toBe(false);
}, 60_000);
