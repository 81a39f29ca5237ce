import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { EntityManager } from '@mikro-orm/sql';
import { AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { EventSchema, Outcome } from '@serverflow/gen/es/serverflow/audit/v1/event_pb';
import { DomainState } from '@serverflow/gen/es/serverflow/domain/v1/domain_pb';
import {
  ThingKind,
  type NoticeSchema,
} from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import type { AppRow } from '../apps/entity.ts';
import { Event } from '../audit/entity.ts';
import { Deployment, type DeploymentRow } from '../deployments/entity.ts';
import { State } from '../deployments/states.ts';
import { Domain } from '../domains/entity.ts';
import type { Caller } from '../guard/call.ts';
import { Server, type ServerRow } from '../servers/entity.ts';
import { visible } from './scope.ts';

type Notice = MessageInitShape<typeof NoticeSchema>;

/** How many changes an overview shows. */
const shownChanges = 10;

/** How many broken things it shows. */
const shownBroken = 50;

/** How many entries of the activity are looked through for them. */
const scannedEvents = 200;

/** What is broken: servers that are gone, apps that are down, last deployments that failed, domains that are not served. */
export async function findBroken(
  em: EntityManager,
  apps: readonly AppRow[],
  isOnline: (server: string) => boolean,
): Promise<Notice[]> {
  const servers = await em.find(Server, { publicKey: { $ne: null } }, { orderBy: { name: 'asc' } });
  const ids = apps.map((app) => app.id);
  const failed = await findFailed(em, apps);
  const domains = await em.find(Domain, { app: { $in: ids }, state: DomainState.FAILED });
  const of = (id: string) => apps.find((app) => app.id === id)!;
  return [
    ...servers.filter((server) => !isOnline(server.id)).map(offline),
    ...apps.filter((app) => app.state === AppState.DOWN).map(down),
    ...failed.map((row) => failedDeployment(row, of(row.app))),
    ...domains.map((row) => ({
      kind: ThingKind.DOMAIN,
      name: row.hostname,
      text: `The domain of ${of(row.app).name} is not served: ${row.detail || 'no reason given'}`,
      time: timestampFromDate(row.createdAt),
      next: 'Remove it and add it again once the reason is gone.',
    })),
  ].slice(0, shownBroken);
}

/** The last deployments that failed; asked for some apps at a time, for SQLite bounds the depth of a condition at 1000. */
async function findFailed(em: EntityManager, apps: readonly AppRow[]): Promise<DeploymentRow[]> {
  const rows: DeploymentRow[] = [];
  for (let from = 0; from < apps.length; from += 200) {
    const some = apps.slice(from, from + 200);
    const last = some.map((app) => ({ app: app.id, number: app.deploymentCount }));
    const failed = { state: { $in: [State.FAILED, State.UNKNOWN] }, $or: last };
    rows.push(...(await em.find(Deployment, failed)));
  }
  return rows;
}

function offline(server: ServerRow): Notice {
  const since = server.lastSeenAt ?? server.enrolledAt ?? server.createdAt;
  return {
    kind: ThingKind.SERVER,
    name: server.name,
    text: 'The server is not connected. Its apps go on; what is shown of them is as last measured.',
    time: timestampFromDate(since),
    next: 'Run serverflow-agent status on the server.',
  };
}

function down(app: AppRow): Notice {
  return {
    kind: ThingKind.APP,
    name: app.name,
    text: app.stateDetail || 'The app is down though it should serve.',
    next: 'Read its log, then restart it or go back to the release before.',
  };
}

function failedDeployment(row: DeploymentRow, app: AppRow): Notice {
  const known = row.failure?.message;
  const unknown = row.state === State.UNKNOWN;
  return {
    kind: ThingKind.DEPLOYMENT,
    name: `${app.name}#${row.number}`,
    text:
      known || (unknown ? 'Nobody can say how the deployment ended.' : 'The deployment failed.'),
    time: timestampFromDate(row.endedAt ?? row.createdAt),
    actor: actorOf(row.requester),
    next: row.failure?.next || 'Read its log, correct what it shows, and deploy again.',
  };
}

/** What runs or waits: deployments, newest first. */
export async function findRunning(em: EntityManager, apps: readonly AppRow[]): Promise<Notice[]> {
  const rows = await em.find(
    Deployment,
    {
      app: { $in: apps.map((app) => app.id) },
      state: { $in: [State.QUEUED, State.RUNNING] },
    },
    { orderBy: { createdAt: 'desc' } },
  );
  return rows.map((row) => ({
    kind: ThingKind.DEPLOYMENT,
    name: `${apps.find((app) => app.id === row.app)!.name}#${row.number}`,
    text: row.state === State.QUEUED ? 'It waits for its server.' : 'It runs.',
    time: timestampFromDate(row.startedAt ?? row.createdAt),
    actor: actorOf(row.requester),
    next: '',
  }));
}

const kinds: Readonly<Record<string, ThingKind | undefined>> = {
  server: ThingKind.SERVER,
  app: ThingKind.APP,
  deployment: ThingKind.DEPLOYMENT,
  domain: ThingKind.DOMAIN,
  project: ThingKind.PROJECT,
  environment: ThingKind.PROJECT,
  token: ThingKind.TOKEN,
  client: ThingKind.TOKEN,
  organization: ThingKind.ORGANIZATION,
};

/** What was changed last, newest first, from the activity; reads and refusals are left out. */
export async function findChanged(em: EntityManager, caller: Caller): Promise<Notice[]> {
  const rows = await em.find(
    Event,
    { outcome: Outcome.DONE, resource: { $ne: '' } },
    { orderBy: { number: 'desc' }, limit: scannedEvents },
  );
  const isVisible = await visible(em, caller);
  const notices: Notice[] = [];
  for (const row of rows) {
    const event = fromBinary(EventSchema, row.bytes);
    const [kind = '', ...name] = event.resource.split('/');
    const thing = { kind: kinds[kind], name: name.join('/') };
    if (thing.kind === undefined || !isVisible(thing.kind, thing.name)) continue;
    notices.push({
      kind: thing.kind,
      name: thing.name,
      text: event.summary,
      ...(event.time ? { time: event.time } : {}),
      actor: actorOf(event),
    });
    if (notices.length === shownChanges) break;
  }
  return notices;
}

/** An AI client by its own name; everybody else by the person, for a script acts for the one who made its token. */
function actorOf(who: { person: string; client: string }): string {
  return who.client || who.person;
}
