import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { create, fromBinary } from '@bufbuild/protobuf';
import { OrderSchema } from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { AppReportSchema } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { AppAction, AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { ProjectService } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { Order } from '../fleet/entity.ts';
import { Server } from '../servers/entity.ts';
import { newId } from '../store/ids.ts';
import { addApp, addMachine, type Machine } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';
import { App } from './entity.ts';
import { hearState } from './hear.ts';

const source = { repository: 'https://github.com/example/shop.git' };
let plane: TestPlane;
let person: Person;
let machine: Machine;
beforeAll(async () => {
  plane = await startTestPlane();
  person = await plane.person();
  machine = await addMachine(plane, person);
});
afterAll(() => plane.close());

const apps = () => person.client(AppService);
const report = (app: string, more = {}) =>
  create(AppReportSchema, {
    appId: app,
    state: AppState.SERVING,
    servingRelease: 2,
    keptReleases: [1, 2],
    urls: [`http://x.localhost:7380`],
    ...more,
  });

describe('placing an app', () => {
  test('takes the only project, its production and the only server', async () => {
    const { app } = await apps().createApp({ name: 'shop', source });
    expect(app).toMatchObject({
      name: 'shop',
      project: 'main',
      environment: 'production',
      server: 'local',
      state: AppState.NEW,
      servingRelease: 0,
      lastDeployment: 0,
      variablesPending: false,
    });
    expect((await apps().getApp({ app: app!.id })).app).toEqual(
      (await apps().getApp({ app: 'shop' })).app,
    );
    expect(await reasonOf(apps().createApp({ name: 'shop', source }))).toBe(Reason.ALREADY_EXISTS);
  });

  test('says that there is no server, several, or none that has connected', async () => {
    const other = await plane.person();
    const client = other.client(AppService);
    const made = () => reasonOf(client.createApp({ name: 'shop', source }));
    expect(await made()).toBe(Reason.NO_SERVER);
    const em = plane.store.tenant(other.organization);
    em.create(Server, {
      id: newId('srv'),
      organization: other.organization,
      name: 'slot',
      publicKey: null,
      sealingKey: null,
      sealingKeySignature: null,
      facts: null,
      ports: [],
      createdAt: new Date(),
      enrolledAt: null,
      lastSeenAt: null,
    });
    await em.flush();
    expect(await made()).toBe(Reason.NO_SERVER);
    expect(await reasonOf(client.createApp({ name: 'shop', source, server: 'slot' }))).toBe(
      Reason.SERVER_NOT_ENROLLED,
    );
    await addMachine(plane, other, 'one');
    await addMachine(plane, other, 'two');
    expect(await made()).toBe(Reason.SERVER_AMBIGUOUS);
    expect(await reasonOf(client.createApp({ name: 'shop', source, server: 'three' }))).toBe(
      Reason.NOT_FOUND,
    );
    const { app } = await client.createApp({ name: 'shop', source, server: 'two' });
    expect(app?.server).toBe('two');
  });

  test('keeps to the repository hosts of the server’s own policy', async () => {
    const other = await plane.person();
    await addMachine(plane, other, 'strict', { repositoryHosts: ['127.0.0.1'] });
    const client = other.client(AppService);
    expect(await reasonOf(client.createApp({ name: 'shop', source }))).toBe(Reason.BAD_REPOSITORY);
    const local = { repository: 'http://127.0.0.1:3000/shop.git' };
    expect((await client.createApp({ name: 'shop', source: local })).app?.source).toMatchObject(
      local,
    );
    expect(await reasonOf(apps().createApp({ name: 'inner', source: local }))).toBe(
      Reason.BAD_REPOSITORY,
    );
  });

  test.each([
    [{ name: 'bad', source: { repository: 'ext::sh -c id' } }, Reason.BAD_REPOSITORY],
    [{ name: 'bad', source: { ...source, ref: '--upload-pack=id' } }, Reason.BAD_REF],
    [{ name: 'bad', source: { ...source, directory: '../..' } }, Reason.BAD_PATH],
    [{ name: 'bad', source, settings: { outputDirectory: '/etc' } }, Reason.BAD_PATH],
    [{ name: 'bad', source, project: 'nowhere' }, Reason.NOT_FOUND],
    [{ name: 'bad', source, environment: 'nowhere' }, Reason.NOT_FOUND],
    [{ name: '../bad', source }, Reason.INVALID_ARGUMENT],
    [{ name: 'bad' }, Reason.INVALID_ARGUMENT],
  ])('refuses %j before any effect', async (request, reason) => {
    expect(await reasonOf(apps().createApp(request))).toBe(reason);
    expect(await reasonOf(apps().getApp({ app: 'bad' }))).toBe(Reason.NOT_FOUND);
  });
});

test('an update changes what is given, with the rules of a new one', async () => {
  const { name } = await addApp(person);
  const { app } = await apps().updateApp({ app: name, settings: { healthPath: '/up', bakeMs: 5 } });
  expect(app?.settings).toMatchObject({ healthPath: '/up', bakeMs: 5, healthPasses: 0 });
  expect(app?.source?.repository).toBe('example:hello');
  expect(
    await reasonOf(apps().updateApp({ app: name, source: { repository: 'file:///etc' } })),
  ).toBe(Reason.BAD_REPOSITORY);
});

test('what an agent measured is shown, and says so while it is not connected', async () => {
  const { id, name } = await addApp(person);
  await machine.report((hearing) => hearState(hearing, report(id)));
  expect((await apps().getApp({ app: name })).app).toMatchObject({
    state: AppState.SERVING,
    servingRelease: 2,
    urls: ['http://x.localhost:7380'],
    stateDetail: 'As last measured: the server local is not connected.',
  });
});

test('an agent cannot speak of an app on another server', async () => {
  const { id, name } = await addApp(person, { server: 'local' });
  const stranger = await plane.person();
  const foreign = await addMachine(plane, stranger);
  await foreign.report((hearing) => hearState(hearing, report(id)));
  expect((await apps().getApp({ app: name })).app?.state).toBe(AppState.NEW);
});

test('an app that never served, or whose server is gone, is not controlled', async () => {
  const { id, name } = await addApp(person);
  const restart = () => reasonOf(apps().controlApp({ app: name, action: AppAction.RESTART }));
  expect(await restart()).toBe(Reason.APP_STATE);
  await machine.report((hearing) => hearState(hearing, report(id)));
  expect(await restart()).toBe(Reason.SERVER_OFFLINE);
  const orders = await plane.store.tenant(person.organization).find(Order, { subject: id });
  expect(orders).toEqual([]);
});

test('a deleted app is gone at once, and its server is told when it connects', async () => {
  const { id, name } = await addApp(person);
  await apps().deleteApp({ app: name });
  expect(await reasonOf(apps().getApp({ app: name }))).toBe(Reason.NOT_FOUND);
  const [order] = await plane.store.tenant(person.organization).find(Order, { subject: id });
  expect(order).toMatchObject({ server: machine.id, kind: 'removeApp', state: 'waiting' });
  expect(fromBinary(OrderSchema, order!.action).action).toMatchObject({
    case: 'removeApp',
    value: { appId: id },
  });
});

test('lists are by name, in pages, and filtered', async () => {
  const other = await plane.person();
  await addMachine(plane, other);
  await other.client(ProjectService).createProject({ name: 'side', environment: 'staging' });
  for (const name of ['c', 'a', 'b']) await addApp(other, { name, project: 'main' });
  await addApp(other, { name: 'd', project: 'side', environment: 'staging' });
  const client = other.client(AppService);
  const names = async (request: object) =>
    (await client.listApps(request)).apps.map((app) => app.name);
  expect(await names({})).toEqual(['a', 'b', 'c', 'd']);
  expect(await names({ project: 'side' })).toEqual(['d']);
  expect(await names({ environment: 'production' })).toEqual(['a', 'b', 'c']);
  expect(await names({ server: 'local' })).toHaveLength(4);
  const first = await client.listApps({ pageSize: 3 });
  const second = await client.listApps({ pageSize: 3, pageToken: first.nextPageToken });
  expect(second.apps.map((app) => app.name)).toEqual(['d']);
  expect(await reasonOf(client.listApps({ pageToken: 'x' }))).toBe(Reason.BAD_CURSOR);
});

test('a token of one environment sees and touches nothing of another', async () => {
  const other = await plane.person();
  await addMachine(plane, other);
  const projects = other.client(ProjectService);
  await projects.createEnvironment({ project: 'main', name: 'staging' });
  await addApp(other, { name: 'live', environment: 'production' });
  await addApp(other, { name: 'trial', environment: 'staging' });
  const client = await other.script(AppService, { environments: ['staging'] });
  expect((await client.listApps({})).apps.map((app) => app.name)).toEqual(['trial']);
  for (const call of [
    client.getApp({ app: 'live' }),
    client.updateApp({ app: 'live', settings: {} }),
    client.deleteApp({ app: 'live' }),
    client.controlApp({ app: 'live', action: AppAction.STOP }),
    client.listReleases({ app: 'live' }),
    client.createApp({ name: 'new', source }),
  ]) {
    expect(await reasonOf(call)).toBe(Reason.NOT_FOUND);
  }
  const em = plane.store.tenant(other.organization);
  expect(await em.count(App, {})).toBe(2);
});
