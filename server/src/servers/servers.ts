import type { EntityManager } from '@mikro-orm/sql';
import { makeEnrolmentToken } from '@serverflow/agent/envelope';
import { EnrollmentState } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { App } from '../apps/entity.ts';
import { Order } from '../fleet/entity.ts';
import { problem, Reason } from '../guard/problems.ts';
import { newId } from '../store/ids.ts';
import { Enrollment, Server, type EnrollmentRow, type ServerRow } from './entity.ts';

/** How long an enrolment's token lasts: 15 minutes, in milliseconds. */
const tokenMs = 15 * 60_000;

/** Makes a server's slot where it is new, and the single-use token that connects its agent; earlier open tokens of the slot are called off. */
export async function invite(
  em: EntityManager,
  organization: string,
  name: string,
  pin: Uint8Array,
): Promise<{ server: ServerRow; enrollment: EnrollmentRow; token: string }> {
  const now = new Date();
  const known = await em.findOne(Server, { name, organization });
  const server =
    known ??
    em.create(Server, {
      id: newId('srv'),
      organization,
      name,
      ports: [],
      createdAt: now,
      publicKey: null,
      sealingKey: null,
      sealingKeySignature: null,
      facts: null,
      enrolledAt: null,
      lastSeenAt: null,
    });
  const open = { $in: [EnrollmentState.WAITING, EnrollmentState.IN_USE] };
  for (const earlier of await em.find(Enrollment, { server: server.id, state: open })) {
    earlier.state = EnrollmentState.CANCELED;
    earlier.revision += 1;
  }
  const { token, publicKey } = makeEnrolmentToken(server.id, pin);
  const enrollment = em.create(Enrollment, {
    id: newId('enr'),
    organization,
    server: server.id,
    tokenPublicKey: Buffer.from(publicKey).toString('base64'),
    state: EnrollmentState.WAITING,
    usedFrom: '',
    lastFailure: '',
    createdAt: now,
    expiresAt: new Date(now.getTime() + tokenMs),
  });
  return { server, enrollment, token };
}

/** Renames a server; throws ALREADY_EXISTS. */
export async function renameServer(em: EntityManager, row: ServerRow, name: string): Promise<void> {
  const other = await em.findOne(Server, { name });
  if (other && other.id !== row.id)
    throw problem(Reason.ALREADY_EXISTS, { resource: 'server', name });
  row.name = name;
}

/** Forgets a server that holds no apps; throws NOT_EMPTY. */
export async function deleteServer(em: EntityManager, row: ServerRow): Promise<void> {
  const count = await em.count(App, { server: row.id });
  if (count > 0)
    throw problem(Reason.NOT_EMPTY, {
      resource: 'server',
      name: row.name,
      holds: count === 1 ? 'one app' : `${count} apps`,
    });
  await em.nativeDelete(Enrollment, { server: row.id });
  await em.nativeDelete(Order, { server: row.id });
  em.remove(row);
}
