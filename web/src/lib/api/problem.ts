import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema } from '@serverflow/gen/es/google/rpc/error_details_pb';
import {
  ProblemSchema,
  ReasonSchema,
  type Reason,
} from '@serverflow/gen/es/serverflow/error/v1/problem_pb';

/** What a page shows when a call was refused or failed. */
export interface Problem {
  /** The stable name, such as NOT_FOUND; UNREACHABLE when no answer came at all. */
  reason: string;
  code: Code;
  /** What happened, in one sentence, as the control plane said it. */
  message: string;
  /** What to do next, in one sentence; empty when nothing was said. */
  next: string;
  metadata: Record<string, string>;
  /** What is wrong with which field of the request, by the field's path. */
  fields: Record<string, string>;
  retryable: boolean;
  /** The id under which the control plane logged the call; empty when it did not say. */
  requestId: string;
}

/** Turns whatever a call threw into a problem to show; it never throws itself. */
export function problemOf(error: unknown): Problem {
  const connect = ConnectError.from(error, Code.Unknown);
  const detail = connect.findDetails(ProblemSchema)[0];
  const fields: Record<string, string> = {};
  for (const bad of connect.findDetails(BadRequestSchema)) {
    for (const violation of bad.fieldViolations) fields[violation.field] ??= violation.description;
  }
  return {
    reason: detail ? reasonName(detail.reason) : reasonWithoutDetail(connect),
    code: connect.code,
    message: connect.rawMessage,
    next: detail?.next ?? '',
    metadata: detail?.metadata ?? {},
    fields,
    retryable: detail?.retryable ?? connect.code === Code.Unavailable,
    requestId: detail?.requestId || (connect.metadata.get('x-request-id') ?? ''),
  };
}

/** Whether the problem is that nobody is signed in. */
export function isSignedOut(problem: Problem): boolean {
  return problem.code === Code.Unauthenticated;
}

function reasonName(number: Reason): string {
  return ReasonSchema.value[number]?.name.replace('REASON_', '') ?? 'UNKNOWN';
}

// fetch tells a dead network apart from an answer by a TypeError, a call given up is Canceled, and
// a proxy in between answers 502 to 504, which Connect makes Unavailable.
function reasonWithoutDetail(error: ConnectError): string {
  const silent = [Code.Unavailable, Code.Canceled, Code.DeadlineExceeded].includes(error.code);
  if (silent || error.cause instanceof TypeError) return 'UNREACHABLE';
  return (Code[error.code] ?? 'Unknown').replace(/(?!^)([A-Z])/g, '_$1').toUpperCase();
}
