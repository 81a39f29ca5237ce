import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { create } from '@bufbuild/protobuf';
import {
  AppReportSchema,
  DeploymentOutcome,
  DeploymentReportSchema,
} from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { DomainService } from '@serverflow/gen/es/serverflow/domain/v1/domain_service_pb';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { ThingKind, type Notice } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import {
  OverviewService,
  type WatchChangesResponse,
} from '@serverflow/gen/es/serverflow/overview/v1/overview_service_pb';
import { ProjectService } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { hearState } from '../apps/hear.ts';
import { hearDeployment } from '../deployments/hear.ts';
import { hearDomainEnd } from '../domains/hear.ts';
import { Order } from '../fleet/entity.ts';
import { addApp, addMachine, type Machine } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';
import { createChangeRing } from './ring.ts';

let plane: TestPlane;
let person: Person;
let machine: Machine;
beforeAll(async () => {
  plane = await startTestPlane({ SERVERFLOW_HEARTBEAT_MS: '150' });
});
beforeEach(async () => {
  person = await plane.person();
  machine = await addMachine(plane, person);
});
afterAll(() => plane.close());

const overview = () => person.client(OverviewService).getOverview({});
const named = (notices: readonly Notice[]) => notices.map(({ kind, name }) => [kind, name]);

test('an overview tells what is broken, what runs, what changed and how much there is', async () => {
  const up = await addApp(person, { name: 'up' });
  const ill = await addApp(person, { name: 'ill' });
  const deployments = person.client(DeploymentService);
  const state = (appId: string, state: AppState, detail = '') =>
    machine.report((hearing) =>
      hearState(hearing, create(AppReportSchema, { appId, state, detail })),
    );
  await state(up.id, AppState.SERVING);
  await state(ill.id, AppState.DOWN, 'It exits with code 1.');
  const failed = (await deployments.createDeployment({ app: 'ill', reason: 'x' })).deployment!;
  const end = create(DeploymentReportSchema, {
    deploymentId: failed.id,
    outcome: DeploymentOutcome.FAILED,
    failure: { code: 'BUILD_FAILED', message: 'npm run build failed.', next: 'Correct it.' },
  });
  await machine.report((hearing) => hearDeployment(hearing, end));
  await deployments.createDeployment({ app: 'up' });
  const { domain } = await person
    .client(DomainService)
    .addDomain({ app: 'up', hostname: `${machine.id.slice(4)}.example.com` });
  const em = plane.store.tenant(person.organization);
  const order = await em.findOneOrFail(Order, { subject: domain!.id });
  const refused = { ...order, state: 'failed', message: 'no' } as typeof order;
  await machine.report((hearing) => hearDomainEnd(hearing, refused));

  const seen = await overview();
  expect(named(seen.broken)).toEqual([
    [ThingKind.SERVER, 'local'],
    [ThingKind.APP, 'ill'],
    [ThingKind.DEPLOYMENT, 'ill#1'],
    [ThingKind.DOMAIN, domain!.hostname],
  ]);
  expect(seen.broken[1]).toMatchObject({ text: 'It exits with code 1.' });
  expect(seen.broken[2]).toMatchObject({
    text: 'npm run build failed.',
    next: 'Correct it.',
    actor: person.email,
  });
  expect(named(seen.running)).toEqual([[ThingKind.DEPLOYMENT, 'up#1']]);
  expect(seen.changed[0]).toMatchObject({
    kind: ThingKind.DOMAIN,
    name: domain!.hostname,
    text: 'added the domain to up',
    actor: person.email,
  });
  expect(seen.counts).toMatchObject({
    servers: 1,
    serversOnline: 0,
    apps: 2,
    appsServing: 1,
    deploymentsRunning: 1,
    clients: 0,
  });
});

test('a failed deployment is no longer broken once a later one runs', async () => {
  await addApp(person, { name: 'shop' });
  const deployments = person.client(DeploymentService);
  const { deployment } = await deployments.createDeployment({ app: 'shop' });
  const end = create(DeploymentReportSchema, {
    deploymentId: deployment!.id,
    outcome: DeploymentOutcome.UNKNOWN,
  });
  await machine.report((hearing) => hearDeployment(hearing, end));
  expect(named((await overview()).broken)).toContainEqual([ThingKind.DEPLOYMENT, 'shop#1']);
  await deployments.createDeployment({ app: 'shop' });
  expect(named((await overview()).broken)).toEqual([[ThingKind.SERVER, 'local']]);
});

test('an empty organization has an empty overview', async () => {
  const other = await plane.person();
  const seen = await other.client(OverviewService).getOverview({});
  expect(seen).toMatchObject({ broken: [], running: [], changed: [], counts: { apps: 0 } });
});

test('a token of one environment is shown nothing of another', async () => {
  await person.client(ProjectService).createEnvironment({ project: 'main', name: 'staging' });
  await addApp(person, { name: 'live' });
  await addApp(person, { name: 'trial', environment: 'staging' });
  await person.client(DeploymentService).createDeployment({ app: 'live' });
  const narrow = await person.script(OverviewService, { environments: ['staging'] });
  const seen = await narrow.getOverview({});
  expect(seen.counts?.apps).toBe(1);
  expect(seen.running).toEqual([]);
  expect(named(seen.changed)).toEqual([[ThingKind.APP, 'trial']]);
  const { changes } = await watched(narrow, async () => {
    await person.client(DeploymentService).createDeployment({ app: 'trial' });
  });
  expect(changes.map(({ name }) => name)).toEqual(['trial#1']);
});

/** Watches until the first changes come; `act` is done once the stream stands. */
async function watched(
  client: ReturnType<typeof person.client<typeof OverviewService>>,
  act: () => Promise<void>,
  cursor = '',
): Promise<WatchChangesResponse> {
  let acted: Promise<void> | undefined;
  for await (const message of client.watchChanges({ cursor })) {
    if (message.changes.length > 0 || message.missed) return message;
    acted ??= act();
    await acted;
  }
  throw new Error('The stream ended.');
}

describe('watching changes', () => {
  const client = () => person.client(OverviewService);
  const make = (name: string) => async () => void (await addApp(person, { name }));

  test('tells which thing changed, and goes on by its cursor without missing one', async () => {
    const first = await watched(client(), make('one'));
    expect(first.changes).toMatchObject([{ kind: ThingKind.APP, name: 'one' }]);
    for (const name of ['two', 'three']) await make(name)();
    const second = await watched(client(), async () => {}, first.cursor);
    expect(second.missed).toBe(false);
    expect(second.changes.map(({ name }) => name)).toEqual(['two', 'three']);
  });

  test('tells nothing of another organization', async () => {
    const other = await plane.person();
    await addMachine(plane, other);
    const seen = await watched(client(), async () => {
      await addApp(other, { name: 'theirs' });
      await addApp(person, { name: 'ours' });
    });
    expect(seen.changes.map(({ name }) => name)).toEqual(['ours']);
  });

  test('has heartbeats, and says when a cursor of another run may have missed some', async () => {
    let heartbeats = 0;
    for await (const message of client().watchChanges({})) {
      expect(message).toMatchObject({ changes: [], missed: false });
      if (++heartbeats === 3) break;
    }
    const missed = await watched(client(), async () => {}, 'abcdefabcdef-12');
    expect(missed).toMatchObject({ missed: true, changes: [] });
    const bad = client().watchChanges({ cursor: 'x' })[Symbol.asyncIterator]().next();
    expect(await reasonOf(bad)).toBe(Reason.BAD_CURSOR);
  });
});

test('the ring forgets the oldest changes, and says so', () => {
  const ring = createChangeRing();
  const { cursor: start } = ring.since('a', '');
  const add = (count: number) => {
    for (let index = 0; index < count; index++)
      ring.add({ organization: 'a', kind: ThingKind.APP, id: String(index), name: 'x' });
  };
  add(512);
  expect(ring.since('a', start)).toMatchObject({ missed: false });
  expect(ring.since('a', start).changes).toHaveLength(512);
  add(1);
  expect(ring.since('a', start)).toMatchObject({ missed: true, changes: [] });
  expect(ring.since('a', ring.since('a', '').cursor)).toMatchObject({ missed: false, changes: [] });
  const [run, number] = ring.since('a', '').cursor.split('-');
  expect(ring.since('a', `${run}-${Number(number) + 1}`).missed).toBe(true);
});
