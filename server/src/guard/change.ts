import { createHash } from 'node:crypto';
import {
  clone,
  create,
  fromBinary,
  toBinary,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { EntityManager } from '@mikro-orm/sql';
import type { HandlerContext } from '@connectrpc/connect';
import type { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { activityTopic, writeEvent } from '../audit/audit.ts';
import { changesTopic } from '../live.ts';
import { newId } from '../store/ids.ts';
import { callOf, type Call } from './call.ts';
import { changedKey } from './changed.ts';
import { problem, Reason } from './problems.ts';
import { Request } from './entity.ts';

/** What the work of a change is given. Everything it does through `em` is one transaction, together with its audit entry. */
export type Change = {
  readonly call: Call;
  readonly em: EntityManager;
  /** Whose change it is; a sign-in or set-up says so itself, all others have it from the caller. */
  organization: string;
  /** Says what the change was about, such as ("app", "shop"), and what happened, for the activity. */
  readonly about: (kind: string, name: string, summary: string) => void;
  /** Tells watchers that a thing changed, once it is committed. */
  readonly changed: (kind: ThingKind, id: string, name: string) => void;
  /** Does something once the transaction is committed; never with validate_only. */
  readonly afterCommit: (work: () => void) => void;
};

type Mutation = { validateOnly: boolean; requestId: string };

/** Rolls back a change that was only to be validated. */
class OnlyValidated extends Error {}

/**
 * Runs a mutation: its work, its audit entry and its request id in one transaction. `validate_only` runs the very same work
 * and rolls it back, so that it checks everything; the same request id returns the first result, without secrets.
 */
export async function change<Req extends DescMessage, Res extends DescMessage>(
  context: HandlerContext,
  schemas: { input: Req; output: Res },
  request: MessageShape<Req> & Mutation,
  work: (change: Change) => Promise<MessageInitShape<Res>>,
): Promise<MessageShape<Res>> {
  const call = callOf(context);
  const caller = call.caller;
  const organization = caller.kind === 'anyone' ? '' : caller.organization;
  const em = organization ? call.store.tenant(organization) : call.store.all();
  const hooks: (() => void)[] = [];
  let response: MessageShape<Res> | undefined;
  let acted = '';
  try {
    await em.transactional(async (tx) => {
      const repeated = await firstResult(tx, call, schemas, request);
      if (repeated) {
        response = repeated;
        return;
      }
      let [resource, summary] = ['', ''];
      const part: Change = {
        call,
        em: tx,
        organization,
        about: (kind, name, text) => ([resource, summary] = [`${kind}/${name}`, text]),
        changed: (kind, id, name) => {
          const topic = changesTopic(part.organization);
          const change = { organization: part.organization, kind, id, name };
          hooks.push(() => call.live.publish(topic, change));
        },
        afterCommit: (hook) => hooks.push(hook),
      };
      response = create(schemas.output, await work(part));
      await tx.flush();
      if (request.validateOnly) throw new OnlyValidated();
      await writeEvent(tx, call, {
        organization: part.organization,
        outcome: 'done',
        resource,
        summary,
        request: redacted(schemas.input, request),
      });
      acted = part.organization;
      await keepResult(tx, call, part.organization, schemas, request, response);
    });
  } catch (thrown) {
    if (!(thrown instanceof OnlyValidated) || !response) throw thrown;
    context.values.set(changedKey, true);
    return withoutSecrets(schemas.output, response);
  }
  context.values.set(changedKey, true);
  for (const hook of hooks) hook();
  if (acted) call.live.publish(activityTopic(acted));
  if (!response) throw new Error('The change has no result.');
  return response;
}

async function firstResult<Req extends DescMessage, Res extends DescMessage>(
  tx: EntityManager,
  call: Call,
  schemas: { input: Req; output: Res },
  request: MessageShape<Req> & Mutation,
): Promise<MessageShape<Res> | undefined> {
  if (!request.requestId || call.caller.kind === 'anyone') return undefined;
  const row = await tx.findOne(Request, { caller: callerId(call), requestId: request.requestId });
  if (!row) return undefined;
  if (row.method !== call.method || row.digest !== digestOf(call, schemas.input, request))
    throw problem(Reason.REQUEST_ID_REUSED);
  return fromBinary(schemas.output, row.response);
}

async function keepResult<Req extends DescMessage, Res extends DescMessage>(
  tx: EntityManager,
  call: Call,
  organization: string,
  schemas: { input: Req; output: Res },
  request: MessageShape<Req> & Mutation,
  response: MessageShape<Res>,
): Promise<void> {
  if (!request.requestId || call.caller.kind === 'anyone') return;
  tx.create(Request, {
    id: newId('req'),
    organization,
    caller: callerId(call),
    requestId: request.requestId,
    method: call.method,
    digest: digestOf(call, schemas.input, request),
    response: Buffer.from(toBinary(schemas.output, withoutSecrets(schemas.output, response))),
    createdAt: new Date(),
  });
}

function callerId(call: Call): string {
  if (call.caller.kind === 'anyone') return '';
  return call.caller.kind === 'person' ? call.caller.user : call.caller.token;
}

/** Tells whether two requests are the same: a digest of what may be known, and a keyed one of the whole, so that no secret can be guessed from the row. */
function digestOf<Req extends DescMessage>(
  call: Call,
  schema: Req,
  request: MessageShape<Req>,
): string {
  const open = createHash('sha256').update(toBinary(schema, redacted(schema, request)));
  const whole = Buffer.from(toBinary(schema, request)).toString('base64');
  return `${open.digest('base64url')}.${call.parts.fingerprint(call.method, whole)}`;
}

/** A copy of a message in which every field marked debug_redact is replaced by "[redacted]". */
export function redacted<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
): MessageShape<D> {
  return visitSecrets(schema, message, '[redacted]');
}

/** A copy of a message without the fields marked debug_redact. */
export function withoutSecrets<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
): MessageShape<D> {
  return visitSecrets(schema, message, '');
}

function visitSecrets<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  replacement: string,
): MessageShape<D> {
  const copy = clone(schema, message);
  const walk = (part: ReturnType<typeof reflect>) => {
    for (const field of part.fields) {
      if (!part.isSet(field)) continue;
      if (isSecret(field)) part.set(field, replacement);
      else if (field.fieldKind === 'message') walk(part.get(field));
      else if (field.fieldKind === 'list' && field.listKind === 'message')
        for (const item of part.get(field)) walk(item as ReturnType<typeof reflect>);
    }
  };
  walk(reflect(schema, copy));
  return copy;
}

function isSecret(field: DescField): boolean {
  return field.fieldKind === 'scalar' && field.proto.options?.debugRedact === true;
}
