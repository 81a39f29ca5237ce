import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import {
  DeploymentState,
  StepState,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { LogService } from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { startLoad } from '../../agent/src/testing/load.ts';
import { breakages, steadyApp, type Breakage } from '../support/breakages.ts';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { quick, startWorld, until, type World } from '../support/world.ts';

const APP = 'steady';
const HOST = `${APP}.localhost`;
const settings = { ...quick, bakeMs: 2_500, healthDeadlineMs: 8_000 };

let git: GitServer;
let world: World;
let load: ReturnType<typeof startLoad>;
/** What serves: its release and what it says. */
let serving = { release: 0, says: '' };

beforeAll(async () => {
  git = await startGitServer();
  world = await startWorld({ front: 'nginx' });
  await git.commit(APP, steadyApp('one'), 'Say one');
  const source = { repository: git.address(APP) };
  await world.client(AppService).createApp({ name: APP, source, settings });
  await expectDeployed('one');
  load = startLoad({ host: '127.0.0.1', port: world.frontPort, hostname: HOST, perSecond: 50 });
});
afterAll(async () => {
  await load?.stop();
  await world?.close();
  await git?.close();
});

test.each(breakages.slice(0, 3))('$name leaves the old release serving and says why', refuse);

test('a good deployment comes between', () => expectDeployed('two'));

test.each(breakages.slice(3, 6))('$name leaves the old release serving and says why', refuse);

test('another good deployment comes between', () => expectDeployed('three'));

test.each(breakages.slice(6))('$name leaves the old release serving and says why', refuse);

test('what was good before all of it is rolled back to', async () => {
  const deployments = world.client(DeploymentService);
  const { deployment } = await deployments.rollBackApp({ app: APP, release: 1 });
  const answer = await deployments.waitDeployment({ app: APP, number: deployment!.number });
  expect(answer.deployment).toMatchObject({
    state: DeploymentState.SUCCEEDED,
    releaseBefore: serving.release,
    releaseAfter: 1,
  });
  serving = { release: 1, says: 'one' };
  await expectServed();
});

test('not one of 50 requests a second failed in any of it', async () => {
  const { failures, requests, bodies } = await load.stop();
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(500);
  // The release that crashed while it baked answered too, until it was gone.
  expect([...bodies.keys()].toSorted()).toEqual(['one', 'short-lived', 'three', 'two']);
  expect([...bodies.values()].reduce((sum, count) => sum + count, 0)).toBe(requests);
});

async function expectDeployed(says: string): Promise<void> {
  await git.commit(APP, steadyApp(says), `Say ${says}`);
  const { state, failure, releaseBefore, releaseAfter } = await world.deploy(APP);
  expect({ state, failure, releaseBefore }).toEqual({
    state: DeploymentState.SUCCEEDED,
    failure: undefined,
    releaseBefore: serving.release,
  });
  expect(releaseAfter).toBeGreaterThan(serving.release);
  serving = { release: releaseAfter, says };
  await expectServed();
}

async function refuse({ name, files, step, code, message, evidence, next }: Breakage) {
  await git.commit(APP, { ...steadyApp(serving.says), ...files }, `Break it: ${name}`);
  const ended = await world.deploy(APP);
  expect(ended).toMatchObject({
    state: DeploymentState.FAILED,
    commitMessage: `Break it: ${name}`,
    releaseBefore: serving.release,
    releaseAfter: serving.release,
    failure: { step, code, message: expect.stringMatching(message) },
  });
  expect(ended.steps.at(-1)).toMatchObject({ name: step, state: StepState.FAILED });
  expect(ended.failure?.evidence.join('\n')).toContain(evidence);
  expect(ended.failure?.cause).not.toBe('');
  expect(ended.failure?.next).toMatch(next);
  await expectServed();
  await expectLogged(ended.number, ended.failure!.message, evidence);
}

/** The old release answers, is known to be the one that serves, and no request of the load has met anything else. */
async function expectServed(): Promise<void> {
  expect(await world.get(HOST)).toEqual({ status: 200, body: serving.says });
  const { app } = await world.client(AppService).getApp({ app: APP });
  expect(app).toMatchObject({ state: AppState.SERVING, servingRelease: serving.release });
  expect(load?.failures ?? []).toEqual([]);
}

/** The deployment's log says why it failed; the line that shows it is there or, where the program itself said it, in the app's. */
async function expectLogged(deployment: number, message: string, evidence: string): Promise<void> {
  const find = async (contains: string, number: number) => {
    const query = { app: APP, deployment: number, contains };
    const { lines } = await world.client(LogService).searchLogs(query);
    return lines.length > 0;
  };
  await until('the deployment’s log says why', () => find(message, deployment));
  await until(
    'a log holds the evidence',
    async () => (await find(evidence, deployment)) || find(evidence, 0),
  );
}
