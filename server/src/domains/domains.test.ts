import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { create, fromBinary } from '@bufbuild/protobuf';
import { OrderSchema } from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { AppReportSchema } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { DomainState } from '@serverflow/gen/es/serverflow/domain/v1/domain_pb';
import { DomainService } from '@serverflow/gen/es/serverflow/domain/v1/domain_service_pb';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { hearState } from '../apps/hear.ts';
import { Order } from '../fleet/entity.ts';
import { addApp, addMachine, type Machine } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';
import { hearDomainEnd } from './hear.ts';

let plane: TestPlane;
let person: Person;
let machine: Machine;
let app: { id: string; name: string };
beforeAll(async () => {
  plane = await startTestPlane();
  person = await plane.person();
  machine = await addMachine(plane, person);
});
beforeEach(async () => {
  app = await addApp(person);
});
afterAll(() => plane.close());

const client = () => person.client(DomainService);
const hostname = () => `${app.name}.example.com`;
const add = async () => (await client().addDomain({ app: app.name, hostname: hostname() })).domain!;
const listed = async () => (await client().listDomains({ app: app.name })).domains;

async function ended(id: string, kind: string, state: string, message = ''): Promise<void> {
  const em = plane.store.tenant(person.organization);
  const order = await em.findOneOrFail(Order, { subject: id, kind });
  await machine.report((hearing) =>
    hearDomainEnd(hearing, { ...order, state, message } as typeof order),
  );
}

test('a domain waits for its server, and is served when the server says so', async () => {
  const { id } = await add();
  expect(await listed()).toMatchObject([{ hostname: hostname(), state: DomainState.PENDING }]);
  const em = plane.store.tenant(person.organization);
  const order = await em.findOneOrFail(Order, { subject: id });
  expect(fromBinary(OrderSchema, order.action).action).toMatchObject({
    case: 'addDomain',
    value: { appId: app.id, hostname: hostname() },
  });
  const report = create(AppReportSchema, { appId: app.id, state: 2, domains: [hostname()] });
  await machine.report((hearing) => hearState(hearing, report));
  expect(await listed()).toMatchObject([{ state: DomainState.ACTIVE }]);
});

test('a failure says why, and a removed domain is gone once its server has done it', async () => {
  const { id } = await add();
  await ended(id, 'addDomain', 'failed', 'nginx refused the file.');
  expect(await listed()).toMatchObject([
    { state: DomainState.FAILED, detail: 'nginx refused the file.' },
  ]);
  const { domain } = await client().removeDomain({ domain: hostname().toUpperCase() });
  expect(domain?.state).toBe(DomainState.REMOVING);
  await ended(id, 'removeDomain', 'done');
  expect(await listed()).toEqual([]);
});

test('a host name belongs to one app of all organizations', async () => {
  await add();
  const other = await plane.person();
  await addMachine(plane, other);
  const foreign = await addApp(other);
  const taken = other
    .client(DomainService)
    .addDomain({ app: foreign.name, hostname: hostname().toUpperCase() });
  expect(await reasonOf(taken)).toBe(Reason.ALREADY_EXISTS);
});

test('bad names, and ones that the server does not serve, are refused', async () => {
  for (const bad of ['*.example.com', 'a_b.example.com', '127.0.0.1', 'shop.localhost', 'a;b.com'])
    expect(await reasonOf(client().addDomain({ app: app.name, hostname: bad }))).toBe(
      Reason.BAD_DOMAIN,
    );
  const other = await plane.person();
  await addMachine(plane, other, 'strict', { domainSuffixes: ['example.org'] });
  const strict = await addApp(other);
  const outside = { app: strict.name, hostname: 'strict.example.com' };
  expect(await reasonOf(other.client(DomainService).addDomain(outside))).toBe(Reason.BAD_DOMAIN);
  expect(await listed()).toEqual([]);
});

test('another organization, or a token of another environment, sees no domain', async () => {
  await add();
  const other = (await plane.person()).client(DomainService);
  const narrow = await person.script(DomainService, { environments: ['staging'] });
  for (const caller of [other, narrow]) {
    expect((await caller.listDomains({})).domains).toEqual([]);
    expect(await reasonOf(caller.listDomains({ app: app.id }))).toBe(Reason.NOT_FOUND);
    expect(await reasonOf(caller.removeDomain({ domain: hostname() }))).toBe(Reason.NOT_FOUND);
    const request = { app: app.id, hostname: 'other.example.com' };
    expect(await reasonOf(caller.addDomain(request))).toBe(Reason.NOT_FOUND);
  }
});
