import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { EntityManager } from '@mikro-orm/sql';
import {
  checkEnrolment,
  enrolmentTranscript,
  fourWords,
  proveEnrolmentControlPlane,
} from '@serverflow/agent/envelope';
import {
  EnrollResponseSchema,
  type EnrollProof,
  type EnrollRequest,
  type EnrollResponse,
} from '@serverflow/gen/es/serverflow/agent/v1/agent_service_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { EnrollmentState } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { activityTopic, writeAgentEvent } from '../audit/audit.ts';
import { changesTopic } from '../live.ts';
import { Enrollment, Server, type EnrollmentRow } from '../servers/entity.ts';
import { challengeOf, expect, notAccepted } from './handshake.ts';
import { enrollmentTopic } from './outbox.ts';
import type { FleetParts } from './parts.ts';

const open: number[] = [EnrollmentState.WAITING, EnrollmentState.IN_USE];

/** The ceremony that binds a new agent's keys to a server: hello, challenge, proof, done. The control plane proves itself first. */
export async function* enrollAgent(
  parts: FleetParts,
  requests: AsyncIterable<EnrollRequest>,
  address: string,
): AsyncIterable<EnrollResponse> {
  const incoming = requests[Symbol.asyncIterator]();
  const hello = await expect(incoming, 'hello');
  await parts.limits.enroll(address).catch(() => {
    throw new ConnectError('too many attempts; wait a minute', Code.ResourceExhausted);
  });
  const enrollment = await findOpen(parts, hello.slot);
  if (!enrollment) throw notAccepted();
  await note(parts, enrollment.id, (row) => {
    row.state = EnrollmentState.IN_USE;
    row.usedFrom = address;
  });
  const challenge = challengeOf(parts, enrollment.organization);
  const transcript = enrolmentTranscript({
    host: new URL(parts.config.publicUrl).host,
    tenant: enrollment.organization,
    slot: hello.slot,
    agentNonce: hello.agentNonce,
    controlNonce: challenge.controlNonce,
    controlKeyId: challenge.keyId,
    agentVersion: hello.agentVersion,
    keySetVersion: parts.trust.version,
    controlTimeMs: challenge.timeMs,
  });
  challenge.signature = proveEnrolmentControlPlane(transcript, parts.trust.authKey);
  yield create(EnrollResponseSchema, { message: { case: 'challenge', value: challenge } });
  try {
    const proof = await expect(incoming, 'proof');
    checkEnrolment(transcript, Buffer.from(enrollment.tokenPublicKey, 'base64'), proof);
    const server = await bind(parts, enrollment.id, proof, address);
    yield create(EnrollResponseSchema, {
      message: { case: 'done', value: { agentId: server.id, serverName: server.name } },
    });
  } catch (thrown) {
    await refused(parts, enrollment.id, address, thrown);
    throw notAccepted();
  }
}

async function findOpen(parts: FleetParts, slot: string): Promise<EnrollmentRow | null> {
  const [row] = await parts.store
    .all()
    .find(
      Enrollment,
      { server: slot, state: { $in: open }, expiresAt: { $gt: new Date() } },
      { orderBy: { createdAt: 'desc' }, limit: 1 },
    );
  return row ?? null;
}

/** Burns the token and binds the keys in one transaction: of two agents that race with one token, one wins; a key is bound once in the world. */
async function bind(parts: FleetParts, id: string, proof: EnrollProof, address: string) {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const server = await parts.store.all().transactional(async (em) => {
    const enrollment = await em.findOneOrFail(Enrollment, id);
    if (!open.includes(enrollment.state) || enrollment.expiresAt <= new Date())
      throw new Error('The token was used meanwhile.');
    const [publicKey, sealingKey] = [base64(proof.publicKey), base64(proof.sealingKey)];
    if (await em.findOne(Server, { $or: [{ publicKey }, { sealingKey }] }))
      throw new Error('The key is bound to a server already.');
    const row = await em.findOneOrFail(Server, enrollment.server);
    [row.publicKey, row.sealingKey] = [publicKey, sealingKey];
    row.sealingKeySignature = base64(proof.sealingKeySignature);
    row.enrolledAt = new Date();
    row.acknowledged = 0;
    enrollment.state = EnrollmentState.DONE;
    enrollment.revision += 1;
    await writeAgentEvent(em, row, {
      outcome: 'done',
      reason: '',
      summary: `an agent enrolled with the key "${fourWords(proof.publicKey)}"`,
      address,
    });
    return row;
  });
  parts.sessions.get(server.id)?.end();
  parts.live.publish(enrollmentTopic(id));
  parts.live.publish(activityTopic(server.organization));
  parts.live.publish(changesTopic(server.organization), {
    organization: server.organization,
    kind: ThingKind.SERVER,
    id: server.id,
    name: server.name,
  });
  return server;
}

async function refused(
  parts: FleetParts,
  id: string,
  address: string,
  thrown: unknown,
): Promise<void> {
  const why =
    thrown instanceof Error && thrown.name !== 'ConnectError'
      ? thrown.message
      : 'The agent did not finish the ceremony.';
  parts.log.warn({ enrollment: id, address, why }, 'an enrolment failed');
  await note(parts, id, async (row, em) => {
    if (open.includes(row.state)) row.state = EnrollmentState.WAITING;
    row.lastFailure = why;
    const server = await em.findOneOrFail(Server, row.server);
    const summary = `an agent could not enrol: ${why}`;
    await writeAgentEvent(em, server, { outcome: 'denied', reason: 'ENROLL', summary, address });
  });
}

async function note(
  parts: FleetParts,
  id: string,
  change: (row: EnrollmentRow, em: EntityManager) => void | Promise<void>,
): Promise<void> {
  const organization = await parts.store.all().transactional(async (em) => {
    const row = await em.findOneOrFail(Enrollment, id);
    await change(row, em);
    row.revision += 1;
    return row.organization;
  });
  parts.live.publish(enrollmentTopic(id));
  parts.live.publish(activityTopic(organization));
}
