import { afterAll, beforeAll, expect, test } from 'vitest';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { ProjectService } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { Event } from '../audit/entity.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';

let plane: TestPlane;
let person: Person;
beforeAll(async () => {
  plane = await startTestPlane();
  person = await plane.person();
});
afterAll(() => plane.close());

test('a project is made with its first environment and its audit entry', async () => {
  const client = person.client(ProjectService);
  const { project } = await client.createProject({ name: 'shop', environment: 'staging' });
  expect(project).toMatchObject({
    name: 'shop',
    displayName: 'shop',
    environments: [{ name: 'staging', appCount: 0 }],
  });
  const events = await plane.store
    .tenant(person.organization)
    .find(Event, { resource: 'project/shop' });
  expect(events).toHaveLength(1);
});

test('validate_only checks all and changes nothing', async () => {
  const client = person.client(ProjectService);
  const planned = await client.createProject({ name: 'planned', validateOnly: true });
  expect(planned.project?.name).toBe('planned');
  expect(await reasonOf(client.getProject({ project: 'planned' }))).toBe(Reason.NOT_FOUND);
  await client.createProject({ name: 'there' });
  expect(await reasonOf(client.createProject({ name: 'there', validateOnly: true }))).toBe(
    Reason.ALREADY_EXISTS,
  );
});

test('the same request id returns the first result, and another request under it is refused', async () => {
  const client = person.client(ProjectService);
  const first = await client.createProject({ name: 'once', requestId: 'r-1' });
  expect((await client.createProject({ name: 'once', requestId: 'r-1' })).project?.id).toBe(
    first.project?.id,
  );
  expect(await reasonOf(client.createProject({ name: 'twice', requestId: 'r-1' }))).toBe(
    Reason.REQUEST_ID_REUSED,
  );
});

test('a bad name is refused with the field, and the refusal is kept', async () => {
  expect(await reasonOf(person.client(ProjectService).createProject({ name: '../x' }))).toBe(
    Reason.INVALID_ARGUMENT,
  );
  const denied = await plane.store
    .tenant(person.organization)
    .find(Event, { outcome: 2, method: { $like: '%CreateProject' } });
  expect(denied.length).toBeGreaterThan(0);
});

test('another organization sees nothing of it', async () => {
  const other = await plane.person();
  expect(await reasonOf(other.client(ProjectService).getProject({ project: 'shop' }))).toBe(
    Reason.NOT_FOUND,
  );
});

test('the last environment stays, and a deleted project is gone', async () => {
  const client = person.client(ProjectService);
  await client.createProject({ name: 'gone' });
  expect(
    await reasonOf(client.deleteEnvironment({ project: 'gone', environment: 'production' })),
  ).toBe(Reason.LAST_ONE);
  await client.deleteProject({ project: 'gone' });
  expect(await reasonOf(client.getProject({ project: 'gone' }))).toBe(Reason.NOT_FOUND);
});
