import { setTimeout as pause } from 'node:timers/promises';
import { AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import {
  DeploymentState,
  StepName,
  StepState,
  type Deployment,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import type { LogLine } from '@serverflow/gen/es/serverflow/log/v1/log_pb';
import { LogService } from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { ServerState } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Relay } from '../../agent/src/testing/relay.ts';
import { makeCountedApp, type CountedApp, type Wait } from '../support/counted-app.ts';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { ordersOf } from '../support/order-facts.ts';
import { quick, startWorld, until as untilIn, type World } from '../support/world.ts';

/** How long the connection is cut: longer than either side believes in it; a minute where a person asks for it. */
const cutMs = process.env['SERVERFLOW_TEST_LONG'] === '1' ? 60_000 : 5_000;

/** Nothing fails here because the machine is slow. */
const settings = { ...quick, healthTimeoutMs: 5_000, healthDeadlineMs: 60_000 };
vi.setConfig({ testTimeout: 400_000 });
const until = (what: string, condition: () => Promise<boolean>) =>
  untilIn(what, condition, 150_000);

const { FAILED, SUCCEEDED } = DeploymentState;

let world: World;
let git: GitServer;
let relay: Relay;
let app: CountedApp;
let name = '';
let made = 0;
beforeAll(async () => {
  git = await startGitServer();
  world = await startWorld({
    way: async (port) => {
      relay = await new Relay(port).start();
      return relay.port;
    },
  });
});
afterAll(async () => {
  await world?.close();
  await relay?.stop();
  await git?.close();
});
beforeEach(async () => {
  app = makeCountedApp();
  name = `faults-${++made}`;
  await git.commit(name, app.files('old'), 'Old');
  await world.client(AppService).createApp({
    name,
    source: { repository: git.address(name) },
    settings,
  });
  const first = await world.deploy(name);
  expect(first.state).toBe(SUCCEEDED);
});
afterEach(async () => {
  await world.client(AppService).deleteApp({ app: name });
  const pids = [...app.pids('old'), ...app.pids('new')];
  await until('its programs have ended', async () => !pids.some(isRunning));
  app.remove();
});

test('an agent killed in a build ends the deployment as failed, and the old release serves on', async () => {
  const deployment = await begin('new', 'build');
  await until('the build runs', async () => app.count('build', 'new') === 1);
  await world.agent.kill();
  await world.agent.start();
  await expectEnd(deployment, FAILED, 'old');
  expect(app.count('build', 'new')).toBe(1);
  expect(app.count('start', 'new')).toBe(0);
});

test('an agent killed while it asks the new release for its health ends the deployment as failed, and the old release serves on', async () => {
  const deployment = await begin('new', 'health');
  await until('it is asked for its health', () => isAt(deployment, StepName.HEALTH));
  await world.agent.kill();
  expect((await world.get(`${name}.localhost`)).body).toBe('old');
  await world.agent.start();
  await expectEnd(deployment, FAILED, 'old');
  expect(app.count('start', 'new')).toBe(1);
  await until('the release that failed has ended', async () => !app.pids('new').some(isRunning));
});

test('an agent killed while it watches the new release goes on with it', async () => {
  const longer = { ...settings, bakeMs: 5_000 };
  await world.client(AppService).updateApp({ app: name, settings: longer });
  const deployment = await begin('new');
  await until('the release is watched', () => isAt(deployment, StepName.BAKE));
  await world.agent.kill();
  expect((await world.get(`${name}.localhost`)).body).toBe('new');
  await world.agent.start();
  await expectEnd(deployment, SUCCEEDED, 'new');
  expect(app.count('build', 'new')).toBe(1);
  expect(app.count('start', 'new')).toBe(1);
});

test('a control plane killed in mid-deploy learns the true end: the agent finishes alone', async () => {
  const deployment = await begin('new', 'build');
  await until('the build runs', async () => app.count('build', 'new') === 1);
  await world.plane.kill();
  app.open('new');
  await until(
    'the new release serves',
    async () => (await world.get(`${name}.localhost`)).body === 'new',
  );
  await world.plane.start();
  await expectEnd(deployment, SUCCEEDED, 'new');
  expect(app.count('build', 'new')).toBe(1);
  expect(app.count('start', 'new')).toBe(1);
});

test('a control plane killed as soon as a deployment is asked for has it done once', async () => {
  const deployment = await begin('new');
  await world.plane.kill();
  await world.plane.start();
  await expectEnd(deployment, SUCCEEDED, 'new');
  expect(app.count('build', 'new')).toBe(1);
  expect(app.count('start', 'new')).toBe(1);
});

test('a control plane and an agent killed together have the deployment end true', async () => {
  const deployment = await begin('new', 'build');
  await until('the build runs', async () => app.count('build', 'new') === 1);
  await Promise.all([world.plane.kill(), world.agent.kill()]);
  await Promise.all([world.plane.start(), world.agent.start()]);
  await expectEnd(deployment, FAILED, 'old');
  expect(app.count('build', 'new')).toBe(1);
});

test(
  'a connection that is cut for longer than either side believes in it loses nothing',
  async () => {
    const [followed, stop] = follow();
    const deployment = await begin('new', 'build');
    await until('the build runs', async () => app.count('build', 'new') === 1);
    const cutAt = Date.now();
    relay.stall();
    app.open('new');
    await until(
      'the new release serves',
      async () => (await world.get(`${name}.localhost`)).body === 'new',
    );
    await until('the server is told to be off line', async () => !(await isOnline()));
    expect(await stateOf(deployment)).toBe(DeploymentState.RUNNING);
    await pause(Math.max(0, cutMs - (Date.now() - cutAt)));
    relay.resume();
    await expectEnd(deployment, SUCCEEDED, 'new');
    expect(app.count('build', 'new')).toBe(1);
    expect(app.count('start', 'new')).toBe(1);
    const last = (await readLog()).at(-1)?.number ?? 0;
    await until(
      'whoever followed the log has it all',
      async () => (followed.at(-1)?.number ?? 0) >= last,
    );
    await stop();
    expect(followed.map((line) => line.number)).toEqual(followed.map((_, i) => i + 1));
  },
  cutMs + 400_000,
);

/** Asks for a deployment of a new release and does not wait for it. */
async function begin(label: string, waitsFor: Wait = 'nothing'): Promise<Deployment> {
  await git.commit(name, app.files(label, waitsFor), `Say ${label}`);
  const { deployment } = await world.client(DeploymentService).createDeployment({ app: name });
  return deployment!;
}

/** The deployment ended so, what is said to serve serves, the order ran and ended once, and the log has every line. */
async function expectEnd(
  { id, number }: Deployment,
  state: DeploymentState,
  label: string,
): Promise<void> {
  await world.online();
  await until('the deployment has ended', async () => {
    const asked = { app: name, number, timeoutSeconds: 10 };
    return (await world.client(DeploymentService).waitDeployment(asked)).done;
  });
  const { deployment } = await world.client(DeploymentService).getDeployment({ app: name, number });
  if (state === SUCCEEDED) expect(deployment?.failure).toBeUndefined();
  else expect(deployment?.failure?.code).toBe('INTERRUPTED');
  const release = state === SUCCEEDED ? 2 : 1;
  expect(deployment).toMatchObject({ state, releaseBefore: 1, releaseAfter: release });
  expect(await world.get(`${name}.localhost`)).toEqual({ status: 200, body: label });
  await until('the app is said to serve what serves', async () => {
    const { app: said } = await world.client(AppService).getApp({ app: name });
    return said?.state === AppState.SERVING && said.servingRelease === release;
  });
  await until('the receipt has come', async () => ordersOf(world, id)[0]?.state !== 'waiting');
  expect(ordersOf(world, id)).toEqual([{ state: 'done', begun: 1, ended: 1 }]);
  expect(app.count('start', 'old')).toBe(1);
  await expectLog();
}

/** What the app printed until now is in its log: every line, once, in the order in which each of its programs printed it. */
async function expectLog(): Promise<void> {
  const printed = app.printed();
  let said: LogLine[] = [];
  await until('every line has come', async () => {
    said = await readLog();
    const there = new Set(said.map((line) => line.text));
    return printed.every((line) => there.has(line));
  });
  expect(said.map((line) => line.number)).toEqual(said.map((_, i) => i + 1));
  for (const program of new Set(printed.map(programOf))) {
    const numbers = said
      .filter((line) => programOf(line.text) === program)
      .map((line) => Number(line.text.split(' ')[2]));
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  }
}

const programOf = (line: string) => line.split(' ').slice(0, 2).join(' ');

/** The whole log of the app, oldest first, page by page. */
async function readLog(): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  let before = '';
  do {
    const page = await world.client(LogService).searchLogs({ app: name, limit: 1_000, before });
    lines.unshift(...page.lines);
    before = page.before;
  } while (before !== '');
  return lines;
}

/** Follows the app's log from its first line on. */
function follow(): [LogLine[], () => Promise<void>] {
  const lines: LogLine[] = [];
  const ending = new AbortController();
  const following = (async () => {
    const asked = { app: name, last: 10_000 };
    for await (const step of world.client(LogService).tailLogs(asked, { signal: ending.signal })) {
      expect(step.gap).toBe(0);
      lines.push(...step.lines);
    }
  })();
  return [
    lines,
    async () => {
      ending.abort();
      await expect(following).rejects.toThrow(/abort/i);
    },
  ];
}

async function isAt({ number }: Deployment, step: StepName): Promise<boolean> {
  const { deployment } = await world.client(DeploymentService).getDeployment({ app: name, number });
  return deployment!.steps.some((each) => each.name === step && each.state === StepState.RUNNING);
}

async function stateOf({ number }: Deployment): Promise<DeploymentState> {
  const { deployment } = await world.client(DeploymentService).getDeployment({ app: name, number });
  return deployment!.state;
}

async function isOnline(): Promise<boolean> {
  const { servers } = await world.client(ServerService).listServers({});
  return servers.some((server) => server.state === ServerState.ONLINE);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
