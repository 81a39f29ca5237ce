import { fromJsonString, type JsonObject } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  ProblemSchema,
  Reason,
  ReasonSchema,
  type NextCall,
  type Problem,
} from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import type { Refusal } from './answer.ts';
import { everything, factsOf } from './facts.ts';
import { toolOfMethod } from './tools.ts';

const passing: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.ResourceExhausted,
  Code.Aborted,
]);

/** Says what an API error means to a model: the server's own problem where it sent one, else the status code. */
export function refusalOfError(error: unknown): Refusal {
  const failure = ConnectError.from(error);
  const [problem] = failure.findDetails(ProblemSchema);
  if (problem) return refusalOfProblem(failure.rawMessage, problem);
  const isRetryable = passing.has(failure.code);
  // What failed inside is for the log, not for a client.
  const isInside = failure.code === Code.Unknown || failure.code === Code.Internal;
  return {
    message: isInside ? 'Something failed inside ServerFlow.' : failure.rawMessage,
    reason: Code[failure.code].replace(/(?<=[a-z])[A-Z]/g, '_$&').toUpperCase(),
    isRetryable,
    next: isRetryable
      ? 'Try again; if it stays, tell the person you work for.'
      : 'Correct the call, or tell the person you work for.',
  };
}

function refusalOfProblem(message: string, problem: Problem): Refusal {
  const name = ReasonSchema.value[problem.reason]?.name ?? 'REASON_INTERNAL';
  const call = problem.nextCall ? callOf(problem.nextCall) : undefined;
  return {
    message,
    reason: name.replace(/^REASON_/, ''),
    isRetryable: problem.retryable,
    next: problem.next,
    requestId: problem.requestId,
    ...(problem.reason === Reason.NOT_FOUND && { missing: problem.metadata['name'] ?? '' }),
    ...(call && { call }),
  };
}

/** The server names methods and requests; a model knows tools and arguments. */
function callOf(next: NextCall): Refusal['call'] {
  const tool = toolOfMethod(next.method);
  if (!tool) return undefined;
  try {
    const request = fromJsonString(tool.method.input, next.argumentsJson || '{}');
    const { json } = factsOf(tool.method.input, request, everything);
    const given = Object.entries(json).filter(([, value]) => value && !isEmptyList(value));
    return { tool: tool.name, arguments: Object.fromEntries(given) as JsonObject };
  } catch {
    return { tool: tool.name, arguments: {} };
  }
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
