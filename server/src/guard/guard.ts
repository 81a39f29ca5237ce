import { randomUUID } from 'node:crypto';
import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import type { Interceptor, StreamRequest, UnaryRequest } from '@connectrpc/connect';
import { ConnectError } from '@connectrpc/connect';
import {
  Caller as Kind,
  Hazard,
  PermissionSchema,
  type MethodPolicy,
} from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import type { Logger } from 'pino';
import { writeEvent } from '../audit/audit.ts';
import { methodName, policyOf, registry } from '../doors/registry.ts';
import type { Live } from '../live.ts';
import type { Parts } from '../parts.ts';
import type { Store } from '../store/store.ts';
import { addressKey, callKey, type Call, type Caller, type Door } from './call.ts';
import { identify } from './caller.ts';
import { redacted } from './change.ts';
import { changedKey } from './changed.ts';
import { problem, ProblemError, Reason, reasonName, toConnectError } from './problems.ts';

/** What the guard stands on. */
export type GuardParts = {
  store: Store;
  live: Live;
  log: Logger;
  parts: Parts;
  door: Door;
  watchCaller: (call: Call) => AbortSignal;
};

/**
 * The one interceptor of the public door: who calls (caller), may they (policy), is the request valid (rules), and, around the
 * handler, what of it is kept (audit) and how a failure is told (problem).
 */
export function guard(parts: GuardParts): Interceptor {
  const validator = createValidator({ registry });
  return (next) => async (request) => {
    const policy = policyOf(request.method);
    const started = performance.now();
    let call = callFor(parts, request, { kind: 'anyone' });
    try {
      call = { ...call, caller: await identify(parts.store, request.header) };
      request.contextValues.set(callKey, call);
      permit(policy, call);
      if (request.stream) {
        const messages = checked(request.message, (message) =>
          validate(validator, request.method.input, message),
        );
        const response = await next({ ...request, message: messages });
        return response.stream
          ? { ...response, message: guarded(response.message, call, parts) }
          : response;
      }
      validate(validator, request.method.input, request.message);
      const response = await next(request);
      if (policy.hazard && !request.contextValues.get(changedKey))
        throw new Error(`${call.method} changed something past change().`);
      if (!policy.hazard && call.caller.kind === 'token' && call.caller.tokenKind === 'mcp')
        await note(call, 'done', '', request);
      parts.log.debug({ call: summary(call), ms: performance.now() - started }, 'call');
      return response;
    } catch (thrown) {
      throw await refuse(parts, call, policy, request, thrown);
    }
  };
}

/** Decides by the method's policy alone; the same rule lists an AI client's tools. */
function permit(policy: MethodPolicy, call: Call): void {
  const caller = call.caller;
  if (policy.caller === Kind.ANYONE) return;
  if (policy.caller === Kind.AGENT)
    throw problem(Reason.WRONG_DOOR, { kind: 'api', expected: 'agent' });
  if (caller.kind === 'anyone') throw problem(Reason.NOT_SIGNED_IN);
  if (caller.kind === 'token') {
    const expected = call.door === 'mcp' ? 'mcp' : 'api';
    if (caller.tokenKind !== expected)
      throw problem(Reason.WRONG_DOOR, { kind: caller.tokenKind, expected });
    if (policy.caller === Kind.PERSON) throw problem(Reason.PERSON_REQUIRED);
    if (policy.hazard === Hazard.DESTROYS && caller.tokenKind === 'mcp')
      throw problem(Reason.DESTROYS, { method: call.method });
  } else if (call.door === 'mcp') {
    throw problem(Reason.WRONG_DOOR, { kind: 'session', expected: 'mcp' });
  }
  if (policy.permission && !caller.permissions.has(policy.permission)) {
    throw problem(Reason.PERMISSION_DENIED, {
      permission: PermissionSchema.value[policy.permission]?.name ?? String(policy.permission),
    });
  }
}

function validate(
  validator: ReturnType<typeof createValidator>,
  schema: DescMessage,
  message: Message,
): void {
  const result = validator.validate(schema, message);
  if (result.kind === 'valid') return;
  if (result.kind === 'error') throw result.error;
  const violations = result.violations.map((violation) => ({
    field: violation.field
      .map((part) =>
        'name' in part ? part.name : part.kind === 'list_sub' ? `[${part.index}]` : '',
      )
      .join('.'),
    description: violation.message,
  }));
  const first = violations[0] ?? { field: 'request', description: 'is not valid' };
  throw problem(
    Reason.INVALID_ARGUMENT,
    { field: first.field, violation: first.description },
    { violations },
  );
}

async function* checked<T extends Message>(
  messages: AsyncIterable<T>,
  check: (message: T) => void,
): AsyncIterable<T> {
  for await (const message of messages) {
    check(message);
    yield message;
  }
}

/** Passes a stream on until the caller's credential ends, and tells its failure as a problem. */
async function* guarded<T>(
  messages: AsyncIterable<T>,
  call: Call,
  parts: GuardParts,
): AsyncIterable<T> {
  try {
    const ended = parts.watchCaller(call);
    for await (const message of messages) {
      if (ended.aborted)
        throw problem(call.caller.kind === 'token' ? Reason.BAD_TOKEN : Reason.NOT_SIGNED_IN);
      yield message;
    }
  } catch (thrown) {
    throw logged(parts, call, thrown);
  }
}

function callFor(parts: GuardParts, request: UnaryRequest | StreamRequest, caller: Caller): Call {
  return {
    caller,
    door: parts.door,
    requestId: randomUUID(),
    address: request.contextValues.get(addressKey),
    userAgent: (request.header.get('user-agent') ?? '').slice(0, 400),
    client:
      parts.door === 'mcp' ? (request.header.get('x-serverflow-client') ?? '').slice(0, 200) : '',
    method: methodName(request.method),
    signal: request.signal,
    store: parts.store,
    live: parts.live,
    log: parts.log,
    parts: parts.parts,
  };
}

async function refuse(
  parts: GuardParts,
  call: Call,
  policy: MethodPolicy,
  request: UnaryRequest | StreamRequest,
  thrown: unknown,
): Promise<ConnectError> {
  const error = logged(parts, call, thrown);
  const denied = thrown instanceof ProblemError && thrown.reason !== Reason.INTERNAL;
  const kept =
    policy.hazard ||
    call.caller.kind !== 'anyone' ||
    !(thrown instanceof ProblemError && thrown.reason === Reason.NOT_SIGNED_IN);
  if (kept && !(thrown instanceof ConnectError)) {
    await note(
      call,
      denied ? 'denied' : 'failed',
      thrown instanceof ProblemError ? reasonName(thrown.reason) : 'INTERNAL',
      request,
    ).catch((fault: unknown) =>
      parts.log.error({ err: fault }, 'the refusal could not be written to the activity'),
    );
  }
  return error;
}

function logged(parts: GuardParts, call: Call, thrown: unknown): ConnectError {
  const error = toConnectError(thrown, call.requestId);
  const foreseen = thrown instanceof ProblemError || thrown instanceof ConnectError;
  if (foreseen) parts.log.info({ call: summary(call), reason: error.rawMessage }, 'refused');
  else if (!call.signal.aborted) parts.log.error({ call: summary(call), err: thrown }, 'failed');
  return error;
}

async function note(
  call: Call,
  outcome: 'done' | 'denied' | 'failed',
  reason: string,
  request: UnaryRequest | StreamRequest,
): Promise<void> {
  const organization = call.caller.kind === 'anyone' ? '' : call.caller.organization;
  const em = organization ? call.store.tenant(organization) : call.store.all();
  const message = request.stream
    ? create(request.method.input)
    : redacted(request.method.input, request.message);
  await em.transactional((tx) =>
    writeEvent(tx, call, {
      organization,
      outcome,
      reason,
      resource: '',
      summary: '',
      request: message,
    }),
  );
}

function summary(call: Call) {
  const who =
    call.caller.kind === 'anyone'
      ? 'anyone'
      : call.caller.kind === 'person'
        ? call.caller.user
        : call.caller.token;
  return { id: call.requestId, method: call.method, door: call.door, who };
}
