import { randomUUID } from 'node:crypto';
import { create, type DescMethod, type Message } from '@bufbuild/protobuf';
import type { Interceptor, UnaryRequest } from '@connectrpc/connect';
import { ConnectError, createContextValues } from '@connectrpc/connect';
import type { RefuseMalformed } from './malformed.ts';
import type { MethodPolicy } from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import type { Logger } from 'pino';
import { activityTopic, writeEvent } from '../audit/audit.ts';
import { methodName, policyOf } from '../doors/registry.ts';
import type { Live } from '../live.ts';
import type { Parts } from '../parts.ts';
import type { Store } from '../store/store.ts';
import { addressKey, callKey, type Call, type Caller, type Door } from './call.ts';
import { identify } from './caller.ts';
import { redacted } from './change.ts';
import { changedKey } from './changed.ts';
import { permit } from './policy.ts';
import { problem, ProblemError, Reason, reasonName, toConnectError } from './problems.ts';
import { validate } from './rules.ts';
import { checkOrigin } from './origin.ts';
import { credentialEnds } from './credential.ts';
import { seenClient } from '../tokens/clients.ts';

/** What the guard stands on. */
export type GuardParts = {
  store: Store;
  live: Live;
  log: Logger;
  parts: Parts;
  door: Door;
  /** The origins of the dashboard. */
  origins: readonly string[];
};

/**
 * The one interceptor of the public door: who calls (caller), may they (policy), is the request valid (rules), and, around the
 * handler, what of it is kept (audit) and how a failure is told (problem).
 */
export function guard(parts: GuardParts): Interceptor {
  return (next) => async (request) => {
    if (!request.service.typeName.startsWith('serverflow.')) return next(request);
    const policy = policyOf(request.method);
    const started = performance.now();
    let call = callFor(parts, request, { kind: 'anyone' });
    try {
      call = { ...call, caller: await identify(parts.store, request.header) };
      if (call.caller.kind === 'person') checkOrigin(request.header, parts.origins);
      if (request.stream)
        call = { ...call, signal: AbortSignal.any([call.signal, credentialEnds(call)]) };
      request.contextValues.set(callKey, call);
      permit(policy, call);
      if (request.stream) {
        const messages = checked(request.message, (message) =>
          validate(request.method.input, message),
        );
        const response = await next({ ...request, message: messages });
        return response.stream
          ? { ...response, message: guarded(response.message, request.signal, call, parts) }
          : response;
      }
      validate(request.method.input, request.message);
      const response = await next(request);
      if (policy.hazard && !request.contextValues.get(changedKey))
        throw new Error(`${call.method} changed something past change().`);
      await seen(call, policy, request);
      parts.log.debug({ call: summary(call), ms: performance.now() - started }, 'call');
      return response;
    } catch (thrown) {
      throw await refuse(parts, call, policy, request, thrown);
    }
  };
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

/** Refuses a body that could not be read as the method's request: the same reason, log line and entry as any other refusal. */
export function refuseMalformed(parts: GuardParts): RefuseMalformed {
  return async (method, header, what) => {
    const request = {
      method,
      header,
      stream: true,
      contextValues: createContextValues(),
      signal: new AbortController().signal,
    } as const;
    const anyone = callFor(parts, request, { kind: 'anyone' });
    const caller = await identify(parts.store, header).catch((): Caller => ({ kind: 'anyone' }));
    const violation = what.replace(/^.* from JSON: /, '');
    const thrown = problem(Reason.INVALID_ARGUMENT, { field: 'request', violation });
    return refuse(parts, { ...anyone, caller }, policyOf(method), request, thrown);
  };
}

/** What the guard needs of a request, whole or not. */
type Seen = Pick<UnaryRequest, 'header' | 'contextValues' | 'signal'> & { method: DescMethod } & (
    { stream: true } | { stream: false; message: Message }
  );

/** Passes a stream on until the caller's credential ends, and tells its failure as a problem. */
async function* guarded<T>(
  messages: AsyncIterable<T>,
  gone: AbortSignal,
  call: Call,
  parts: GuardParts,
): AsyncIterable<T> {
  try {
    yield* messages;
    if (call.signal.aborted && !gone.aborted)
      throw problem(call.caller.kind === 'token' ? Reason.BAD_TOKEN : Reason.NOT_SIGNED_IN);
  } catch (thrown) {
    throw logged(parts, call, thrown);
  }
}

/** Keeps what an AI client did: that it called, and, where it only read, the reading itself. */
async function seen(call: Call, policy: MethodPolicy, request: Seen): Promise<void> {
  if (call.door !== 'mcp' || call.caller.kind !== 'token' || !policy.tool) return;
  await seenClient(call, toolName(request.method.name));
  if (!policy.hazard) await note(call, 'done', '', request);
}

/** The tool that a method is: its name in snake_case. */
function toolName(method: string): string {
  return method.replace(/(?<!^)[A-Z]/g, '_$&').toLowerCase();
}

function callFor(parts: GuardParts, request: Seen, caller: Caller): Call {
  return {
    caller,
    door: parts.door,
    requestId: randomUUID(),
    address:
      parts.door === 'mcp'
        ? (request.header.get('x-serverflow-address') ?? '')
        : request.contextValues.get(addressKey),
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
  request: Seen,
  thrown: unknown,
): Promise<ConnectError> {
  if (thrown instanceof ProblemError && thrown.reason === Reason.BAD_TOKEN) {
    const limited = await parts.parts.limits
      .badCredential(call.address)
      .catch((limit: unknown) => limit);
    if (limited) return logged(parts, call, limited);
  }
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
  request: Seen,
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
  if (organization) call.live.publish(activityTopic(organization));
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
