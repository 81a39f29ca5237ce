import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditService } from '@serverflow/gen/es/serverflow/audit/v1/audit_service_pb';
import { ActorKind, EventSchema, Outcome } from '@serverflow/gen/es/serverflow/audit/v1/event_pb';
import { ProjectService } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';
import { Project } from '../projects/entity.ts';

let plane: TestPlane;
let person: Person;
beforeAll(async () => {
  plane = await startTestPlane({ SERVERFLOW_HEARTBEAT_MS: '200' });
  person = await plane.person();
});
afterAll(() => plane.close());

test('a change, a refusal and who did them are kept, numbered without gaps', async () => {
  await person.client(ProjectService).createProject({ name: 'kept', requestId: 'audit-1' });
  const script = await person.script(ProjectService);
  await reasonOf(script.createProject({ name: 'kept' }));
  const { events } = await person.client(AuditService).listEvents({});
  expect(events.map((event) => event.number)).toEqual(events.map((_, i) => events.length - i));
  expect(events[0]).toMatchObject({
    actorKind: ActorKind.SCRIPT,
    outcome: Outcome.DENIED,
    reason: 'ALREADY_EXISTS',
    person: person.email,
  });
  expect(events[1]).toMatchObject({
    actorKind: ActorKind.PERSON,
    outcome: Outcome.DONE,
    resource: 'project/kept',
    address: '127.0.0.1',
  });
  expect(JSON.parse(events[1]!.requestJson)).toMatchObject({ name: 'kept', requestId: 'audit-1' });
});

test('the exact bytes of an entry are returned and say the same', async () => {
  const audit = person.client(AuditService);
  const [first] = (await audit.listEvents({ resource: 'project/kept' })).events;
  const { exact, event } = await audit.getEvent({ event: first!.id });
  expect(fromBinary(EventSchema, Buffer.from(exact, 'base64'))).toEqual(event);
});

test('where the entry cannot be written, the change is not made either', async () => {
  const em = plane.store.tenant(person.organization);
  const { Event } = await import('./entity.ts');
  const next = (await person.client(AuditService).listEvents({})).events[0]!.number + 1;
  em.create(Event, {
    id: 'evt_taken',
    organization: person.organization,
    number: next,
    bytes: Buffer.alloc(0),
    actorKind: 0,
    outcome: 0,
    method: '',
    resource: '',
    createdAt: new Date(),
  });
  await em.flush();
  await expect(person.client(ProjectService).createProject({ name: 'unheard' })).rejects.toThrow();
  expect(
    await plane.store.tenant(person.organization).findOne(Project, { name: 'unheard' }),
  ).toBeNull();
  await em.nativeDelete(Event, 'evt_taken');
});

test('a watcher resumes by its cursor without a gap or a doubled entry, and hears a heartbeat in silence', async () => {
  const audit = person.client(AuditService);
  const numbers: number[] = [];
  let cursor = (await audit.listEvents({})).events[0]!.number.toString();
  for (let round = 0; round < 3; round++) {
    await person.client(ProjectService).createProject({ name: `watched-${round}` });
    const stop = new AbortController();
    try {
      for await (const message of audit.watchEvents({ cursor }, { signal: stop.signal })) {
        cursor = message.cursor;
        numbers.push(...message.events.map((event) => event.number));
        if (message.events.length === 0) break;
      }
    } finally {
      stop.abort();
    }
  }
  expect(numbers).toHaveLength(3);
  expect(numbers).toEqual([numbers[0], numbers[0]! + 1, numbers[0]! + 2]);
});
