import { create, getOption } from '@bufbuild/protobuf';
import type { Code } from '@connectrpc/connect';
import { ConnectError } from '@connectrpc/connect';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '@serverflow/gen/es/google/rpc/error_details_pb';
import {
  info,
  ProblemSchema,
  Reason,
  ReasonSchema,
} from '@serverflow/gen/es/serverflow/error/v1/problem_pb';

export { Reason };

/** A refusal or failure with a reason of the catalogue; the guard turns it into a Connect error with its details. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly reason: Reason;
  readonly metadata: Record<string, string>;
  readonly nextCall: { method: string; argumentsJson: string } | undefined;
  readonly violations: { field: string; description: string }[];

  constructor(reason: Reason, metadata: Record<string, string>, more: ProblemMore) {
    super(fill(infoOf(reason).message, metadata), { cause: more.cause });
    this.reason = reason;
    this.metadata = metadata;
    this.nextCall = more.nextCall;
    this.violations = more.violations ?? [];
  }
}

/** What a problem may carry beyond its reason and metadata. */
export type ProblemMore = {
  /** The call that would help. */
  nextCall?: { method: string; argumentsJson: string };
  /** The fields that break a rule. */
  violations?: { field: string; description: string }[];
  /** The fault behind it; logged, never sent. */
  cause?: unknown;
};

/** Makes a problem to be thrown; metadata fills the {names} of the catalogue's texts. */
export function problem(
  reason: Reason,
  metadata: Record<string, string> = {},
  more: ProblemMore = {},
): ProblemError {
  return new ProblemError(reason, metadata, more);
}

/** What "not there" and "not yours" both answer. */
export function notFound(
  resource: string,
  name: string,
  nextCall?: ProblemMore['nextCall'],
): ProblemError {
  return problem(Reason.NOT_FOUND, { resource, name }, nextCall ? { nextCall } : {});
}

/** Turns whatever was thrown into the Connect error that is sent: a problem with its details, or INTERNAL with nothing of the fault. */
export function toConnectError(thrown: unknown, requestId: string): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  const known =
    thrown instanceof ProblemError ? thrown : problem(Reason.INTERNAL, {}, { cause: thrown });
  const entry = infoOf(known.reason);
  const error = new ConnectError(
    known.message,
    entry.code as Code,
    undefined,
    undefined,
    known.cause,
  );
  error.details.push({
    desc: ProblemSchema,
    value: create(ProblemSchema, {
      reason: known.reason,
      metadata: known.metadata,
      next: fill(entry.next, known.metadata),
      retryable: entry.retryable,
      requestId,
      ...(known.nextCall ? { nextCall: known.nextCall } : {}),
    }),
  });
  error.details.push({
    desc: ErrorInfoSchema,
    value: create(ErrorInfoSchema, {
      reason: reasonName(known.reason),
      domain: 'serverflow',
      metadata: known.metadata,
    }),
  });
  if (known.violations.length > 0) {
    error.details.push({
      desc: BadRequestSchema,
      value: create(BadRequestSchema, { fieldViolations: known.violations }),
    });
  }
  const seconds = Number(known.metadata['seconds']);
  if (entry.retryable && seconds > 0) {
    error.details.push({
      desc: RetryInfoSchema,
      value: create(RetryInfoSchema, { retryDelay: { seconds: BigInt(Math.ceil(seconds)) } }),
    });
  }
  return error;
}

/** The name of a reason without its prefix, such as NOT_FOUND. */
export function reasonName(reason: Reason): string {
  const value = ReasonSchema.value[reason];
  return value ? value.name.replace(/^REASON_/, '') : 'INTERNAL';
}

function infoOf(reason: Reason) {
  const value = ReasonSchema.value[reason];
  if (!value) throw new Error(`Reason ${reason} is not in the catalogue.`);
  return getOption(value, info);
}

function fill(text: string, metadata: Record<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (all, name: string) => metadata[name] ?? all);
}
