import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fromBinary } from '@bufbuild/protobuf';
import { openWith, variableAad, variableInfo } from '@serverflow/agent/envelope';
import { OrderSchema, type Deploy } from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import {
  DeploymentOutcome,
  StepName,
  StepState,
} from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { VariableService } from '@serverflow/gen/es/serverflow/app/v1/variable_service_pb';
import {
  DeploymentKind,
  DeploymentState,
  type Deployment as DeploymentMessage,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { Order } from '../fleet/entity.ts';
import { addApp, addMachine, type Machine } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';
import { deployTimes, reportEnd, reportServing, reportStep } from '../testing/reports.ts';
import { Deployment } from './entity.ts';

let plane: TestPlane;
let person: Person;
let machine: Machine;
let app: { id: string; name: string };
beforeAll(async () => {
  plane = await startTestPlane({ SERVERFLOW_HEARTBEAT_MS: '200' });
  person = await plane.person();
  machine = await addMachine(plane, person);
});
beforeEach(async () => {
  app = await addApp(person);
});
afterAll(() => plane.close());

const client = () => person.client(DeploymentService);
const start = async (more = {}) =>
  (await client().createDeployment({ app: app.name, ...more })).deployment!;
const shown = async (number = 0) =>
  (await client().getDeployment({ app: app.name, number })).deployment!;
const orders = () =>
  plane.store.tenant(person.organization).find(Order, {}, { orderBy: { id: 'asc' } });
const orderOf = async (id: string) => (await orders()).find((order) => order.subject === id)!;

describe('starting', () => {
  test('makes the row and the order together, with every default filled in', async () => {
    await person.client(VariableService).setVariables({
      app: app.name,
      variables: [
        { name: 'B', plain: 'two' },
        { name: 'A', value: 'one' },
      ],
    });
    const deployment = await start({ ref: 'main', reason: 'try it' });
    expect(deployment).toMatchObject({
      app: app.name,
      number: 1,
      kind: DeploymentKind.DEPLOY,
      state: DeploymentState.QUEUED,
      ref: 'main',
      release: 1,
      releaseBefore: 0,
      reason: 'try it',
      requester: { person: person.email, client: '', token: '' },
    });
    const order = await orderOf(deployment.id);
    expect(order).toMatchObject({ kind: 'deploy', server: machine.id, state: 'waiting' });
    const deploy = fromBinary(OrderSchema, order.action).action.value as Deploy;
    expect(deploy).toMatchObject({
      deploymentId: deployment.id,
      release: 1,
      ref: 'main',
      variablesVersion: 1,
      app: { appId: app.id, name: app.name, repository: 'example:hello' },
    });
    expect(deploy.app?.settings).toMatchObject({
      healthPath: '/',
      healthIntervalMs: 1000,
      healthPasses: 3,
      bakeMs: 60_000,
      keepReleases: 5,
    });
    const info = variableInfo(person.organization, machine.id, app.id);
    const opened = deploy.variables.map(({ name, version, sealed }) => [
      name,
      Buffer.from(
        openWith(machine.sealingKey, info, variableAad(name, version), sealed),
      ).toString(),
    ]);
    expect(opened).toEqual([
      ['A', 'one'],
      ['B', 'two'],
    ]);
  });

  test('a second one is refused while the first runs, and told what to wait for', async () => {
    const { number } = await start();
    expect(await reasonOf(start())).toBe(Reason.DEPLOYMENT_RUNNING);
    await expect(start()).rejects.toThrow(`#${number}`);
  });

  test('of a hundred at once exactly one begins', async () => {
    const before = (await orders()).length;
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => start()));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected')
        expect(await reasonOf(Promise.reject(result.reason))).toBe(Reason.DEPLOYMENT_RUNNING);
    const rows = await plane.store.tenant(person.organization).find(Deployment, { app: app.id });
    expect(rows).toHaveLength(1);
    expect((await orders()).length).toBe(before + 1);
  }, 60_000);

  test('the same request id starts it once', async () => {
    const first = await start({ requestId: `once-${app.name}` });
    const again = await start({ requestId: `once-${app.name}` });
    expect(again.id).toBe(first.id);
  });

  test('validate_only places no order, and a bad ref is refused', async () => {
    const before = (await orders()).length;
    expect((await start({ validateOnly: true })).number).toBe(1);
    expect(await reasonOf(start({ ref: '--upload-pack=id' }))).toBe(Reason.BAD_REF);
    expect((await orders()).length).toBe(before);
    expect(await reasonOf(shown())).toBe(Reason.NOT_FOUND);
  });
});

describe('going back', () => {
  test('without a number goes to the kept release before the one that serves', async () => {
    await deployTimes(person, machine, app, 3);
    await reportServing(machine, app.id, 3, [1, 2, 3]);
    const { deployment } = await client().rollBackApp({ app: app.name });
    expect(deployment).toMatchObject({
      kind: DeploymentKind.ROLL_BACK,
      number: 4,
      release: 2,
      releaseBefore: 3,
      commit: 'c'.repeat(40),
    });
    expect(fromBinary(OrderSchema, (await orderOf(deployment!.id)).action).action).toMatchObject({
      case: 'rollBack',
      value: { release: 2, deploymentId: deployment!.id },
    });
    await reportEnd(machine, deployment!.id, DeploymentOutcome.SUCCEEDED, 2);
    await reportServing(machine, app.id, 2, [1, 2, 3]);
    const { releases } = await person.client(AppService).listReleases({ app: app.name });
    expect(releases.map(({ number, serving }) => [number, serving])).toEqual([
      [3, false],
      [2, true],
      [1, false],
    ]);
  });

  test('goes only to a release that is kept and does not serve already', async () => {
    const back = (release: number) => reasonOf(client().rollBackApp({ app: app.name, release }));
    expect(await back(0)).toBe(Reason.NO_RELEASE);
    await deployTimes(person, machine, app, 3);
    await reportServing(machine, app.id, 3, [2, 3]);
    expect(await back(1)).toBe(Reason.NO_RELEASE);
    expect(await back(9)).toBe(Reason.NO_RELEASE);
    expect(await back(3)).toBe(Reason.APP_STATE);
  });
});

describe('watching', () => {
  test('gives the state at once, each change, heartbeats, and ends with the deployment', async () => {
    const { id } = await start();
    const seen: (DeploymentMessage | undefined)[] = [];
    const cursors: string[] = [];
    for await (const message of client().watchDeployment({ app: app.name })) {
      seen.push(message.deployment);
      cursors.push(message.cursor);
      if (seen.length === 1) await reportStep(machine, id, StepName.FETCH, StepState.RUNNING);
      if (seen.length === 3) await reportEnd(machine, id, DeploymentOutcome.SUCCEEDED, 1);
    }
    const states = seen.map((deployment) => deployment?.state);
    expect(states[0]).toBe(DeploymentState.QUEUED);
    expect(states[1]).toBe(DeploymentState.RUNNING);
    expect(states.at(-1)).toBe(DeploymentState.SUCCEEDED);
    expect(cursors[1]).toBe(cursors[2]);
  });

  test('waiting returns when it ends, and at the latest after the time that was given', async () => {
    const { id } = await start();
    const began = Date.now();
    const early = await client().waitDeployment({ app: app.name, timeoutSeconds: 1 });
    expect(early.done).toBe(false);
    expect(Date.now() - began).toBeGreaterThan(900);
    const waiting = client().waitDeployment({ app: app.name, timeoutSeconds: 45 });
    await reportEnd(machine, id, DeploymentOutcome.FAILED, 0);
    const late = await waiting;
    expect(late).toMatchObject({ done: true, deployment: { state: DeploymentState.FAILED } });
  });
});

test('lists are newest first and respect scope', async () => {
  await deployTimes(person, machine, app, 2);
  const list = await client().listDeployments({ app: app.name });
  expect(list.deployments.map(({ number }) => number)).toEqual([2, 1]);
  const narrow = await person.script(DeploymentService, { environments: ['staging'] });
  expect((await narrow.listDeployments({})).deployments).toEqual([]);
  const other = (await plane.person()).client(DeploymentService);
  expect((await other.listDeployments({})).deployments).toEqual([]);
  for (const caller of [narrow, other]) {
    const request = { app: app.id };
    expect(await reasonOf(caller.getDeployment(request))).toBe(Reason.NOT_FOUND);
    expect(await reasonOf(caller.createDeployment(request))).toBe(Reason.NOT_FOUND);
    expect(await reasonOf(caller.rollBackApp(request))).toBe(Reason.NOT_FOUND);
    expect(await reasonOf(caller.waitDeployment(request))).toBe(Reason.NOT_FOUND);
    const watched = caller.watchDeployment(request)[Symbol.asyncIterator]().next();
    expect(await reasonOf(watched)).toBe(Reason.NOT_FOUND);
  }
});
