import {
  generateSealingKey,
  generateSigningKey,
  parseEnrolmentToken,
} from '@serverflow/agent/envelope';
import { AuditService } from '@serverflow/gen/es/serverflow/audit/v1/audit_service_pb';
import { Outcome } from '@serverflow/gen/es/serverflow/audit/v1/event_pb';
import { EnrollmentService } from '@serverflow/gen/es/serverflow/server/v1/enrollment_service_pb';
import { EnrollmentState, ServerState } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Enrollment } from '../servers/entity.ts';
import { connectAgent, enroll } from '../testing/agent.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { soon } from '../testing/soon.ts';

let plane: TestPlane;
let person: Person;
beforeAll(async () => {
  plane = await startTestPlane();
  person = await plane.person();
});
afterAll(() => plane.close());

const enrollments = () => person.client(EnrollmentService);
const get = async (enrollment: string) =>
  (await enrollments().getEnrollment({ enrollment })).enrollment!;
const events = async () => (await person.client(AuditService).listEvents({})).events;

test('an enrolment is followed from its token to the agent on line, and both sides name the key alike', async () => {
  const made = await enrollments().createEnrollment({ server: 'first' });
  expect(made.command).toBe(`serverflow-agent enroll --control-plane ${made.controlPlaneUrl}`);
  expect(made.command).not.toContain(made.token);
  const seen: [EnrollmentState, ServerState][] = [];
  const watching = (async () => {
    const enrollment = made.enrollment!.id;
    for await (const { enrollment: now, serverState } of enrollments().watchEnrollment({
      enrollment,
    }))
      seen.push([now!.state, serverState]);
  })();
  await soon(() => seen.length).toBe(1);
  const agent = await enroll(plane, made.token);
  const session = await connectAgent(plane, agent);
  await watching;
  expect(seen[0]).toEqual([EnrollmentState.WAITING, ServerState.AWAITING_ENROLLMENT]);
  expect(seen.at(-1)).toEqual([EnrollmentState.DONE, ServerState.ONLINE]);
  const { server } = await person.client(ServerService).getServer({ server: 'first' });
  expect((await get(made.enrollment!.id)).keyWords).toBe(server?.keyWords);
  expect((await events()).map((event) => event.summary).join()).toContain(server?.keyWords);
  session.cut();
  await session.ended;
});

test('of two agents that race with one token one wins, and the token is burnt', async () => {
  const { token, enrollment } = await enrollments().createEnrollment({ server: 'race' });
  const ends = await Promise.allSettled([enroll(plane, token), enroll(plane, token)]);
  expect(ends.map((end) => end.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect((await get(enrollment!.id)).state).toBe(EnrollmentState.DONE);
  await expect(enroll(plane, token)).rejects.toThrow('not accepted');
});

test('a key that is bound to a server anywhere is refused, and so is a proof for another host; both are kept', async () => {
  const first = await enrollments().createEnrollment({ server: 'bound' });
  const { signingKey, sealingKey } = await enroll(plane, first.token);
  const other = await plane.person();
  const second = await other.client(EnrollmentService).createEnrollment({ server: 'elsewhere' });
  await expect(enroll(plane, second.token, { signingKey })).rejects.toThrow('not accepted');
  await expect(enroll(plane, second.token, { sealingKey })).rejects.toThrow('not accepted');
  await expect(enroll(plane, second.token, { host: 'relay.example.com' })).rejects.toThrow(
    'not accepted',
  );
  const { enrollment } = await other
    .client(EnrollmentService)
    .getEnrollment({ enrollment: second.enrollment!.id });
  expect(enrollment).toMatchObject({ state: EnrollmentState.WAITING, keyWords: '' });
  expect(enrollment?.lastFailure).not.toBe('');
  const denied = (await other.client(AuditService).listEvents({})).events.filter(
    (event) => event.outcome === Outcome.DENIED && event.resource === 'server/elsewhere',
  );
  expect(denied).toHaveLength(3);
  await enroll(plane, second.token);
});

test('a key of small order, under which anybody can sign or read, is refused as such and the token stays good', async () => {
  const { token, enrollment } = await enrollments().createEnrollment({ server: 'weak' });
  const identityPoint = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
  const weak = { publicKey: identityPoint };
  const hostile = [
    { signingKey: Object.assign(generateSigningKey(), weak) },
    { sealingKey: Object.assign(generateSealingKey(), weak) },
  ];
  for (const keys of hostile) {
    await expect(enroll(plane, token, keys)).rejects.toThrow('not accepted');
    expect(await get(enrollment!.id)).toMatchObject({
      state: EnrollmentState.WAITING,
      lastFailure: expect.stringContaining('small order') as string,
    });
  }
  await enroll(plane, token);
});

test('a token that was called off, replaced or is over enrols nobody', async () => {
  const canceled = await enrollments().createEnrollment({ server: 'never' });
  await enrollments().cancelEnrollment({ enrollment: canceled.enrollment!.id });
  await expect(enroll(plane, canceled.token)).rejects.toThrow('not accepted');

  const replaced = await enrollments().createEnrollment({ server: 'never' });
  const late = await enrollments().createEnrollment({ server: 'never' });
  expect((await get(replaced.enrollment!.id)).state).toBe(EnrollmentState.CANCELED);
  await expect(enroll(plane, replaced.token)).rejects.toThrow('not accepted');

  const em = plane.store.all();
  const row = await em.findOneOrFail(Enrollment, late.enrollment!.id);
  expect(row.expiresAt.getTime() - row.createdAt.getTime()).toBe(15 * 60_000);
  row.expiresAt = new Date(Date.now() - 1);
  await em.flush();
  expect((await get(row.id)).state).toBe(EnrollmentState.EXPIRED);
  await expect(enroll(plane, late.token)).rejects.toThrow('not accepted');
});

test('the database keeps no secret of a token, and asking again with the same id does not show it', async () => {
  const asked = { server: 'secret', requestId: 'once' };
  const { token, enrollment } = await enrollments().createEnrollment(asked);
  const seed = Buffer.from(parseEnrolmentToken(token).key.exportSeed());
  const row = await plane.store.all().findOneOrFail(Enrollment, enrollment!.id);
  expect(JSON.stringify(row)).not.toContain(seed.toString('base64').slice(0, 40));
  expect(row.tokenPublicKey).not.toBe(seed.toString('base64'));
  const again = await enrollments().createEnrollment(asked);
  expect(again.enrollment?.id).toBe(enrollment!.id);
  expect(again.token).toBe('');
});

test('a server whose agent lost its keys is connected again, and the old keys are refused', async () => {
  const first = await enrollments().createEnrollment({ server: 'again' });
  const old = await enroll(plane, first.token);
  const session = await connectAgent(plane, old);
  const second = await enrollments().createEnrollment({ server: 'again' });
  const agent = await enroll(plane, second.token);
  expect(agent.id).toBe(old.id);
  await session.ended;
  await expect(connectAgent(plane, old)).rejects.toThrow('not accepted');
  const fresh = await connectAgent(plane, agent);
  fresh.cut();
  await fresh.ended;
});
