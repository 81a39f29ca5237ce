import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { EntityManager } from '@mikro-orm/sql';
import { fourWords } from '@serverflow/agent/envelope';
import {
  EnrollmentState,
  Front,
  ServerState,
  ServiceName,
  type EnrollmentSchema,
  type ServerSchema,
  type ServiceStatusSchema,
} from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { App } from '../apps/entity.ts';
import type { Parts } from '../parts.ts';
import type { EnrollmentRow, FactsColumn, ServerRow } from './entity.ts';

/** A server as callers see it: its state is measured, not remembered. */
export async function toServer(
  em: EntityManager,
  row: ServerRow,
  parts: Parts,
): Promise<MessageInitShape<typeof ServerSchema>> {
  const apps = await em.find(App, { server: row.id });
  const sample = parts.metrics.last(row.id)?.server;
  return {
    id: row.id,
    name: row.name,
    state: stateOf(row, parts),
    createTime: timestampFromDate(row.createdAt),
    ...(row.enrolledAt ? { enrollTime: timestampFromDate(row.enrolledAt) } : {}),
    ...(row.lastSeenAt ? { lastSeenTime: timestampFromDate(row.lastSeenAt) } : {}),
    keyWords: wordsOf(row),
    ...(row.facts ? factsOf(row.facts) : {}),
    detectedPorts: row.ports.map(({ app, ...port }) => ({
      ...port,
      app: apps.find((known) => known.id === app)?.name ?? app,
    })),
    appCount: apps.length,
    ...(sample
      ? {
          load: {
            cpuPercent: sample.cpuPercent,
            memoryUsedBytes: sample.memoryBytes,
            diskUsedBytes: sample.diskBytes,
            load1: sample.load1,
          },
        }
      : {}),
  };
}

/** Whether a server can be reached right now. */
export function stateOf(row: ServerRow, parts: Parts): ServerState {
  if (!row.publicKey) return ServerState.AWAITING_ENROLLMENT;
  return parts.fleet.isOnline(row.id) ? ServerState.ONLINE : ServerState.OFFLINE;
}

/** A service of a server, by the agent's own word. */
export function toServices(facts: FactsColumn): MessageInitShape<typeof ServiceStatusSchema>[] {
  const names: Record<string, ServiceName> = { front: ServiceName.FRONT, pm2: ServiceName.PM2 };
  return facts.services.map(({ name, running, detail }) => ({
    name: names[name] ?? ServiceName.UNSPECIFIED,
    running,
    detail,
  }));
}

/** An enrolment, never its token; one whose time is over is told as expired. */
export function toEnrollment(
  row: EnrollmentRow,
  server: ServerRow,
): MessageInitShape<typeof EnrollmentSchema> {
  const over =
    (row.state === EnrollmentState.WAITING || row.state === EnrollmentState.IN_USE) &&
    row.expiresAt <= new Date();
  return {
    id: row.id,
    server: server.id,
    serverName: server.name,
    state: over ? EnrollmentState.EXPIRED : (row.state as EnrollmentState),
    expireTime: timestampFromDate(row.expiresAt),
    usedFrom: row.usedFrom,
    keyWords: row.state === EnrollmentState.DONE ? wordsOf(server) : '',
    lastFailure: row.lastFailure,
  };
}

function wordsOf(row: ServerRow): string {
  return row.publicKey ? fourWords(Buffer.from(row.publicKey, 'base64')) : '';
}

function factsOf(facts: FactsColumn) {
  const {
    services: _services,
    readOnly,
    repositoryHosts,
    domainSuffixes,
    refusedActions,
    front,
    ...machine
  } = facts;
  return {
    facts: {
      ...machine,
      front:
        front === 'nginx' ? Front.NGINX : front === 'embedded' ? Front.EMBEDDED : Front.UNSPECIFIED,
    },
    services: toServices(facts),
    policy: { readOnly, repositoryHosts, domainSuffixes, refusedActions },
  };
}
