import type { ServiceImpl } from '@connectrpc/connect';
import type { EntityManager } from '@mikro-orm/sql';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { EnrollmentService } from '@serverflow/gen/es/serverflow/server/v1/enrollment_service_pb';
import { EnrollmentState, ServerState } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { enrollmentTopic, serverTopic } from '../fleet/outbox.ts';
import { callOf, reading } from '../guard/call.ts';
import { change } from '../guard/change.ts';
import { notFound, problem, Reason } from '../guard/problems.ts';
import { follow } from '../streams.ts';
import { Enrollment, Server } from './entity.ts';
import { stateOf, toEnrollment } from './messages.ts';
import { invite } from './servers.ts';

const method = EnrollmentService.method;

/** EnrollmentService: connecting a server. */
export const enrollmentRpc: ServiceImpl<typeof EnrollmentService> = {
  createEnrollment: (request, context) =>
    change(
      context,
      method.createEnrollment,
      request,
      async ({ em, call, organization, about, changed }) => {
        const { config, pin } = call.parts;
        const { server, enrollment, token } = await invite(em, organization, request.server, pin);
        about('server', server.name, 'made an enrolment token');
        changed(ThingKind.SERVER, server.id, server.name);
        return {
          enrollment: toEnrollment(enrollment, server),
          token,
          controlPlaneUrl: config.publicUrl,
          command: `serverflow-agent enroll --control-plane ${config.publicUrl}`,
        };
      },
    ),

  getEnrollment: async (request, context) => {
    const { row, server } = await find(reading(callOf(context)), request.enrollment);
    return { enrollment: toEnrollment(row, server) };
  },

  async *watchEnrollment(request, context) {
    const call = callOf(context);
    const first = await find(reading(call), request.enrollment);
    let seen = '';
    yield* follow(
      call,
      [enrollmentTopic(first.row.id), serverTopic(first.server.id)],
      async (why) => {
        const { row, server } = await find(reading(call), first.row.id);
        const serverState = stateOf(server, call.parts);
        const enrollment = toEnrollment(row, server);
        const cursor = `${row.revision}.${enrollment.state}.${serverState}`;
        if (why === 'wake' && cursor === seen) return { message: undefined };
        seen = cursor;
        const over =
          enrollment.state === EnrollmentState.EXPIRED ||
          enrollment.state === EnrollmentState.CANCELED;
        const done =
          over || (enrollment.state === EnrollmentState.DONE && serverState === ServerState.ONLINE);
        return { message: { cursor, enrollment, serverState }, done };
      },
    );
  },

  cancelEnrollment: (request, context) =>
    change(
      context,
      method.cancelEnrollment,
      request,
      async ({ em, call, about, changed, afterCommit }) => {
        const { row, server } = await find(em, request.enrollment);
        if (row.state === EnrollmentState.DONE)
          throw problem(Reason.ENROLLMENT_OVER, { state: 'done' });
        row.state = EnrollmentState.CANCELED;
        row.revision += 1;
        about('server', server.name, 'called the enrolment off');
        changed(ThingKind.SERVER, server.id, server.name);
        afterCommit(() => call.live.publish(enrollmentTopic(row.id)));
        return { enrollment: toEnrollment(row, server) };
      },
    ),
};

async function find(em: EntityManager, id: string) {
  const row = await em.findOne(Enrollment, id);
  const server = row && (await em.findOne(Server, row.server));
  if (!row || !server) throw notFound('enrolment', id);
  return { row, server };
}
