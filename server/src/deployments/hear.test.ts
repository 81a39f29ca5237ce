import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { create } from '@bufbuild/protobuf';
import {
  DeploymentOutcome,
  DeploymentReportSchema,
  StepName,
  StepState,
} from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { DeploymentState } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { Order } from '../fleet/entity.ts';
import { addApp, addMachine, type Machine } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { deployTimes, reportEnd, reportServing, reportStep } from '../testing/reports.ts';
import { hearDeployment, hearOrderEnd } from './hear.ts';

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

test('steps are kept in their order, and a success makes a release', async () => {
  const { id } = await start();
  await reportStep(machine, id, StepName.FETCH, StepState.RUNNING);
  await reportStep(machine, id, StepName.FETCH, StepState.DONE, {
    endMs: 1_700_000_001_000n,
    commit: 'abc',
  });
  await reportStep(machine, id, StepName.INSPECT, StepState.RUNNING);
  const running = await shown();
  expect(running.state).toBe(DeploymentState.RUNNING);
  expect(running.commit).toBe('abc');
  expect(running.steps.map(({ name, state }) => [name, state])).toEqual([
    [StepName.FETCH, StepState.DONE],
    [StepName.INSPECT, StepState.RUNNING],
  ]);
  await reportEnd(machine, id, DeploymentOutcome.SUCCEEDED, 1, {
    commit: 'abc',
    commitMessage: 'First',
  });
  await reportServing(machine, app.id, 1, [1]);
  expect(await shown()).toMatchObject({ state: DeploymentState.SUCCEEDED, releaseAfter: 1 });
  const { releases } = await person.client(AppService).listReleases({ app: app.name });
  expect(releases).toMatchObject([
    { number: 1, commit: 'abc', commitMessage: 'First', serving: true, kept: true },
  ]);
});

test('a failure says why, and tells the release that serves as it was measured', async () => {
  await deployTimes(person, machine, app, 1);
  const { id } = await start();
  const failure = {
    step: StepName.BUILD,
    code: 'BUILD_FAILED',
    message: 'npm run build failed.',
    evidence: ['error TS2304'],
    next: 'Correct it.',
  };
  await reportEnd(machine, id, DeploymentOutcome.FAILED, 1, { failure });
  expect(await shown()).toMatchObject({
    number: 2,
    state: DeploymentState.FAILED,
    releaseBefore: 1,
    releaseAfter: 1,
    failure,
  });
  const { releases } = await person.client(AppService).listReleases({ app: app.name });
  expect(releases.map(({ number }) => number)).toEqual([1]);
  expect((await start()).release).toBe(3);
});

test('one that has ended stays as it is, whatever comes after', async () => {
  const { id } = await start();
  await reportEnd(machine, id, DeploymentOutcome.FAILED, 0);
  await reportStep(machine, id, StepName.BUILD, StepState.RUNNING);
  await reportEnd(machine, id, DeploymentOutcome.SUCCEEDED, 1);
  expect(await shown()).toMatchObject({ state: DeploymentState.FAILED, steps: [] });
});

test('an agent cannot speak of a deployment on another server', async () => {
  const { id } = await start();
  const foreign = await addMachine(plane, await plane.person());
  const body = { deploymentId: id, outcome: DeploymentOutcome.FAILED };
  await foreign.report((hearing) => hearDeployment(hearing, create(DeploymentReportSchema, body)));
  expect((await shown()).state).toBe(DeploymentState.QUEUED);
});

test.each([
  ['refused', DeploymentState.FAILED, false],
  ['failed', DeploymentState.FAILED, true],
  ['unknown', DeploymentState.UNKNOWN, true],
])('an order that is %s ends its deployment', async (state, expected, retryable) => {
  const { id } = await start();
  const order = await orderOf(id);
  const ended = { ...order, state, code: 'POLICY_REFUSED', message: 'No deploys here.' };
  await machine.report((hearing) => hearOrderEnd(hearing, ended as typeof order));
  expect(await shown()).toMatchObject({
    state: expected,
    failure: { code: 'POLICY_REFUSED', message: 'No deploys here.', retryable },
  });
  expect((await start()).number).toBe(2);
});

test('a deployment whose order is done without its report does not run for ever', async () => {
  const { id } = await start();
  const order = await orderOf(id);
  await machine.report((hearing) => hearOrderEnd(hearing, { ...order, state: 'done' }));
  expect((await shown()).state).toBe(DeploymentState.UNKNOWN);
});
