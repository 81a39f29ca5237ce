import { EnrollmentService } from '@serverflow/gen/es/serverflow/server/v1/enrollment_service_pb';
import {
  ServerState,
  ServiceAction,
  ServiceName,
} from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Order } from '../fleet/entity.ts';
import { addApp, addMachine } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';

let plane: TestPlane;
let person: Person;
beforeAll(async () => {
  plane = await startTestPlane();
  person = await plane.person();
  await addMachine(plane, person, 'one');
  await person.client(EnrollmentService).createEnrollment({ server: 'two' });
});
afterAll(() => plane.close());
const servers = () => person.client(ServerService);

test('servers are listed by name in pages, each with its measured state', async () => {
  const first = await servers().listServers({ pageSize: 1 });
  expect(first.servers).toMatchObject([{ name: 'one', state: ServerState.OFFLINE }]);
  const rest = await servers().listServers({ pageSize: 1, pageToken: first.nextPageToken });
  expect(rest.servers).toMatchObject([{ name: 'two', state: ServerState.AWAITING_ENROLLMENT }]);
  expect(rest.nextPageToken).toBe('');
});

test('a server takes a name that is free, and no other', async () => {
  await expect(servers().updateServer({ server: 'two', name: 'one' })).rejects.toThrow(/one/);
  await servers().updateServer({ server: 'two', name: 'second', validateOnly: true });
  const { server } = await servers().updateServer({ server: 'two', name: 'deux' });
  expect(server?.name).toBe('deux');
  await expect(servers().getServer({ server: 'second' })).rejects.toThrow(/second/);
});

test('a server with apps is not forgotten, one without is', async () => {
  await addApp(person, { server: 'one' });
  await expect(servers().deleteServer({ server: 'one' })).rejects.toThrow(/one app/);
  expect((await servers().getServer({ server: 'one' })).server?.appCount).toBe(1);
  await servers().deleteServer({ server: 'deux' });
  await expect(servers().getServer({ server: 'deux' })).rejects.toThrow(/deux/);
});

test('a service of a server that is not connected is not controlled, and no order is left behind', async () => {
  const what = { server: 'one', service: ServiceName.PM2, action: ServiceAction.RESTART };
  await expect(servers().controlService(what)).rejects.toThrow(/not connected/);
  expect(await plane.store.all().count(Order)).toBe(0);
});
