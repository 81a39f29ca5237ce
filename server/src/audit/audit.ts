import { create, toBinary, toJsonString, type Message } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { EntityManager } from '@mikro-orm/sql';
import {
  ActorKind,
  EventSchema,
  Outcome,
  type Event as EventMessage,
} from '@serverflow/gen/es/serverflow/audit/v1/event_pb';
import { Organization } from '../accounts/entity.ts';
import type { Call } from '../guard/call.ts';
import { newId } from '../store/ids.ts';
import { Event } from './entity.ts';
import { registry } from '../doors/registry.ts';

/** What an entry says beyond who called which method. */
export type Entry = {
  /** Empty for what happened before anybody was recognised. */
  organization: string;
  outcome: 'done' | 'denied' | 'failed';
  /** Such as app/shop. */
  resource: string;
  summary: string;
  reason?: string;
  /** The request, redacted. */
  request?: Message;
};

const outcomes = { done: Outcome.DONE, denied: Outcome.DENIED, failed: Outcome.FAILED };

/** The topic that grows with an organization's activity. */
export function activityTopic(organization: string): string {
  return `activity:${organization}`;
}

/** Writes an entry about a call in the given transaction; its number comes from the organization's counter in the same transaction. */
export async function writeEvent(tx: EntityManager, call: Call, entry: Entry): Promise<void> {
  const caller = call.caller;
  await keep(tx, entry, {
    actorKind: actorKind(call),
    person: caller.kind === 'anyone' ? '' : caller.email,
    client: call.client,
    token: caller.kind === 'token' ? caller.tokenName : '',
    method: call.method,
    address: call.address,
  });
}

/** Writes an entry about what an agent did, on its own door. */
export async function writeAgentEvent(
  tx: EntityManager,
  server: { organization: string; name: string },
  what: Pick<Entry, 'outcome' | 'summary'> & { reason: string; address: string },
): Promise<void> {
  const entry = { ...what, organization: server.organization, resource: `server/${server.name}` };
  await keep(tx, entry, {
    actorKind: ActorKind.AGENT,
    person: '',
    client: '',
    token: '',
    method: `serverflow.agent.v1.AgentService/${what.reason === 'CLONE' ? 'Connect' : 'Enroll'}`,
    address: what.address,
  });
}

type Who = Pick<EventMessage, 'actorKind' | 'person' | 'client' | 'token' | 'method' | 'address'>;

async function keep(tx: EntityManager, entry: Entry, who: Who): Promise<void> {
  const at = new Date();
  const id = newId('evt');
  const number = await nextNumber(tx, entry.organization);
  const event = create(EventSchema, {
    ...who,
    id,
    number,
    time: timestampFromDate(at),
    resource: entry.resource,
    outcome: outcomes[entry.outcome],
    reason: entry.reason ?? '',
    summary: entry.summary,
    requestJson: entry.request ? requestJson(entry.request) : '',
  });
  tx.create(Event, {
    id,
    organization: entry.organization,
    number,
    bytes: Buffer.from(toBinary(EventSchema, event)),
    actorKind: event.actorKind,
    outcome: event.outcome,
    method: who.method,
    resource: entry.resource,
    createdAt: at,
  });
  await tx.flush();
}

async function nextNumber(tx: EntityManager, organization: string): Promise<number> {
  if (!organization) return (await tx.count(Event, { organization: '' })) + 1;
  const row = await tx.findOneOrFail(Organization, organization);
  row.auditCount += 1;
  return row.auditCount;
}

function actorKind(call: Call): ActorKind {
  if (call.caller.kind === 'person') return ActorKind.PERSON;
  if (call.caller.kind === 'token')
    return call.caller.tokenKind === 'mcp' ? ActorKind.CLIENT : ActorKind.SCRIPT;
  return ActorKind.UNSPECIFIED;
}

const requestCap = 8 * 1024;

function requestJson(request: Message): string {
  const schema = registry.getMessage(request.$typeName);
  if (!schema) return '';
  const json = toJsonString(schema, request, { registry });
  return json.length <= requestCap
    ? json
    : JSON.stringify({ omitted: `${json.length} characters` });
}
