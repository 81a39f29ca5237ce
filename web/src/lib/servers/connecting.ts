import {
  EnrollmentState,
  ServerState,
  type Enrollment,
} from '@serverflow/gen/es/serverflow/server/v1/server_pb';

/** How far a step of connecting is. */
export type StepProgress = 'done' | 'current' | 'ahead' | 'failed';

/** How far each of the four steps of connecting a server is: command, token used, four words, online. */
export function connecting(enrollment: Enrollment, server: ServerState): StepProgress[] {
  const { state } = enrollment;
  const isOver = state === EnrollmentState.EXPIRED || state === EnrollmentState.CANCELED;
  if (isOver) return ['failed', 'ahead', 'ahead', 'ahead'];
  if (state === EnrollmentState.IN_USE) return ['done', 'current', 'ahead', 'ahead'];
  if (state === EnrollmentState.DONE) {
    return server === ServerState.ONLINE
      ? ['done', 'done', 'done', 'done']
      : ['done', 'done', 'done', 'current'];
  }
  return ['current', 'ahead', 'ahead', 'ahead'];
}
