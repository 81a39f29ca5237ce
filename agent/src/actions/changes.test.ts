import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  AppAction,
  ServiceAction,
  ServiceName,
  type AppSpec,
  type Order,
} from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { AppState, DeploymentOutcome } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGitServer, type GitServer } from '../../../tests/support/git-server.ts';
import {
  appSpec,
  deployOrder,
  makeDesk,
  nodeApp,
  orderOf,
  type TestDesk,
} from '../testing/desk.ts';
import { startLoad } from '../testing/load.ts';
import { machineOf } from '../verbs/machine.ts';
import { perform } from './perform.ts';

let desk: TestDesk;
let git: GitServer;
const { signal } = new AbortController();
const DONE = { outcome: 'done' };

beforeAll(async () => {
  desk = await makeDesk('nginx');
  git = await startGitServer();
});
afterAll(async () => {
  await desk.close();
  await git.close();
});

type Action = NonNullable<Order['action']>;
const act = (action: Action) => perform(desk.context, orderOf(action), signal);
const control = (appId: string, action: AppAction) =>
  act({ $case: 'controlApp', value: { appId, action } });
const rollBack = (app: AppSpec, release: number, deploymentId: string) =>
  act({ $case: 'rollBack', value: { app, deploymentId, release } });
const load = (appId: string) =>
  startLoad({
    host: '127.0.0.1',
    port: desk.frontPort,
    hostname: `${appId}.localhost`,
    perSecond: 50,
  });
const runsOf = async (appId: string) =>
  (await machineOf(desk.context).engine.list()).filter((run) => run.appId === appId);

test('rolls back to a kept release with the variables it had, and fails no request', async () => {
  const app = appSpec('back', git.address('back'));
  const first = await git.commit('back', nodeApp('one '), 'One');
  const deploy = (release: number, GREETING: string) =>
    perform(desk.context, deployOrder({ app, release, variables: { GREETING } }), signal);
  await deploy(1, 'of the first');
  await git.commit('back', nodeApp('two '), 'Two');
  await deploy(2, 'of the second');
  expect((await desk.get('back.localhost')).body).toBe('two of the second');

  const running = load('back');
  expect(await rollBack(app, 1, 'back-to-1')).toEqual(DONE);
  expect((await running.stop()).failures).toEqual([]);
  expect(desk.end('back-to-1')).toMatchObject({
    outcome: DeploymentOutcome.DEPLOYMENT_OUTCOME_SUCCEEDED,
    commit: first,
    commitMessage: 'One',
    servingRelease: 1,
  });
  expect((await desk.get('back.localhost')).body).toBe('one of the first');
  expect(desk.app('back')?.keptReleases).toEqual([1, 2]);

  await rollBack(app, 7, 'back-to-7');
  expect(desk.end('back-to-7')).toMatchObject({
    outcome: DeploymentOutcome.DEPLOYMENT_OUTCOME_FAILED,
    servingRelease: 1,
    failure: { code: 'NO_RELEASE', message: expect.stringContaining('kept are: 1, 2') },
  });
  expect((await desk.get('back.localhost')).body).toBe('one of the first');
  expect((await runsOf('back')).map(({ release }) => release)).toEqual([1]);
}, 90_000);

test('restarts beside the old process without a failed request, stops, and starts again', async () => {
  const app = appSpec('switch', git.address('switch'));
  await git.commit('switch', nodeApp('here'), 'Here');
  await perform(desk.context, deployOrder({ app, release: 1 }), signal);
  const [before] = await runsOf('switch');

  const running = load('switch');
  expect(await control('switch', AppAction.APP_ACTION_RESTART)).toEqual(DONE);
  expect((await running.stop()).failures).toEqual([]);
  const after = await runsOf('switch');
  expect(after).toHaveLength(1);
  expect(after[0]?.state.pid).not.toBe(before?.state.pid);

  expect(await control('switch', AppAction.APP_ACTION_STOP)).toEqual(DONE);
  expect(desk.app('switch')).toMatchObject({
    state: AppState.APP_STATE_STOPPED,
    servingRelease: 1,
  });
  expect(await runsOf('switch')).toEqual([]);
  expect((await desk.get('switch.localhost')).status).toBe(404);
  expect(await control('switch', AppAction.APP_ACTION_START)).toEqual(DONE);
  expect(desk.app('switch')?.state).toBe(AppState.APP_STATE_SERVING);
  expect((await desk.get('switch.localhost')).body).toBe('here');
}, 90_000);

test('a restart that fails leaves the old process serving', async () => {
  const app = appSpec('fragile', git.address('fragile'));
  const once = `
    const { existsSync, writeFileSync } = require('node:fs');
    if (existsSync('started')) throw new Error('only once');
    writeFileSync('started', '');`;
  const files = nodeApp('still here');
  await git.commit('fragile', { ...files, 'server.js': once + files['server.js'] }, 'Fragile');
  await perform(desk.context, deployOrder({ app, release: 1 }), signal);
  expect(await control('fragile', AppAction.APP_ACTION_RESTART)).toMatchObject({
    outcome: 'failed',
    code: 'CRASHED_AT_START',
  });
  expect((await desk.get('fragile.localhost')).body).toBe('still here');
  expect(await runsOf('fragile')).toHaveLength(1);
}, 60_000);

test('adds and removes domains, each of them twice without harm', async () => {
  const app = appSpec('named', git.address('named'));
  await git.commit('named', { 'index.html': 'by name' }, 'Named');
  await perform(desk.context, deployOrder({ app, release: 1 }), signal);
  const value = { appId: 'named', hostname: 'www.example.org' };
  for (let times = 0; times < 2; times += 1)
    expect(await act({ $case: 'addDomain', value })).toEqual(DONE);
  expect((await desk.get('www.example.org')).body).toBe('by name');
  expect(desk.app('named')?.domains).toEqual(['www.example.org']);

  const other = appSpec('other', git.address('named'));
  await perform(desk.context, deployOrder({ app: other, release: 1 }), signal);
  expect(await act({ $case: 'addDomain', value: { ...value, appId: 'other' } })).toMatchObject({
    outcome: 'failed',
    code: 'NAME_TAKEN',
  });

  for (let times = 0; times < 2; times += 1)
    expect(await act({ $case: 'removeDomain', value })).toEqual(DONE);
  expect((await desk.get('www.example.org')).status).toBe(404);
  expect((await desk.get('named.localhost')).body).toBe('by name');
}, 60_000);

test('removes an app with all that is its own, and nothing when it is not there', async () => {
  const app = appSpec('gone', git.address('gone'));
  await git.commit('gone', nodeApp('soon gone'), 'Gone');
  await perform(desk.context, deployOrder({ app, release: 1 }), signal);
  for (let times = 0; times < 2; times += 1)
    expect(await act({ $case: 'removeApp', value: { appId: 'gone' } })).toEqual(DONE);
  expect(existsSync(join(desk.context.settings.apps, 'gone'))).toBe(false);
  expect(await runsOf('gone')).toEqual([]);
  expect((await desk.get('gone.localhost')).status).toBe(404);
  expect(desk.app('gone')?.state).toBe(AppState.APP_STATE_NEW);
}, 60_000);

test('an app that was never deployed cannot be controlled, and is told what to do', async () => {
  expect(await control('nobody', AppAction.APP_ACTION_START)).toMatchObject({
    outcome: 'failed',
    code: 'NO_RELEASE',
    message: expect.stringContaining('Deploy it first'),
  });
});

test('controls the services', async () => {
  const service = ServiceName.SERVICE_NAME_FRONT;
  const order = (action: ServiceAction) =>
    act({ $case: 'controlService', value: { service, action } });
  expect(await order(ServiceAction.SERVICE_ACTION_STOP)).toEqual(DONE);
  await expect(desk.get('named.localhost')).rejects.toThrow();
  expect(await order(ServiceAction.SERVICE_ACTION_START)).toEqual(DONE);
  expect((await desk.get('named.localhost')).body).toBe('by name');
}, 60_000);
