import { ConnectError } from '@connectrpc/connect';
import { ProblemSchema, type Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';

/** The reason with which a call was refused; throws when it was not refused with one. */
export async function reasonOf(call: Promise<unknown>): Promise<Reason> {
  const thrown = await call.then(
    () => {
      throw new Error('The call was not refused.');
    },
    (error: unknown) => error,
  );
  const [problem] = ConnectError.from(thrown).findDetails(ProblemSchema);
  if (!problem) throw thrown;
  return problem.reason;
}
