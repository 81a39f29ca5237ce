import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema } from '@serverflow/gen/es/google/rpc/error_details_pb';
import { ProblemSchema, Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { expect, test } from 'vitest';
import { isSignedOut, problemOf } from './problem.ts';

test('an error of the control plane keeps its reason, next step, request id and fields', () => {
  const error = new ConnectError('name: too long', Code.InvalidArgument, undefined, [
    {
      desc: ProblemSchema,
      value: {
        reason: Reason.INVALID_ARGUMENT,
        next: 'Correct the field.',
        requestId: 'req_1',
        metadata: { field: 'name' },
      },
    },
    {
      desc: BadRequestSchema,
      value: {
        fieldViolations: [
          { field: 'name', description: 'At most 40 characters.' },
          { field: 'name', description: 'a second one' },
        ],
      },
    },
  ]);
  expect(problemOf(error)).toEqual({
    reason: 'INVALID_ARGUMENT',
    code: Code.InvalidArgument,
    message: 'name: too long',
    next: 'Correct the field.',
    metadata: { field: 'name' },
    fields: { name: 'At most 40 characters.' },
    retryable: false,
    requestId: 'req_1',
  });
});

test('an error without details is named by its code', () => {
  expect(problemOf(new ConnectError('no', Code.PermissionDenied)).reason).toBe('PERMISSION_DENIED');
  expect(problemOf(new ConnectError('no', Code.Unauthenticated)).reason).toBe('UNAUTHENTICATED');
});

test('a dead network, a call given up and a proxy without a control plane are all unreachable', () => {
  expect(problemOf(new TypeError('Failed to fetch')).reason).toBe('UNREACHABLE');
  expect(problemOf(new DOMException('timed out', 'TimeoutError')).reason).toBe('UNREACHABLE');
  expect(problemOf(new ConnectError('HTTP 502', Code.Unavailable)).reason).toBe('UNREACHABLE');
});

test('only a missing or dead credential means signed out', () => {
  expect(isSignedOut(problemOf(new ConnectError('', Code.Unauthenticated)))).toBe(true);
  expect(isSignedOut(problemOf(new ConnectError('', Code.PermissionDenied)))).toBe(false);
});
