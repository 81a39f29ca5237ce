import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { tenantFilter } from '../store/tenant.ts';

/** What an agent last said of its machine; the shape of the agent's FactsReport. */
export type FactsColumn = {
  hostname: string;
  os: string;
  arch: string;
  cpuCount: number;
  memoryBytes: number;
  diskBytes: number;
  agentVersion: string;
  nodeVersion: string;
  front: string;
  frontAddress: string;
  services: { name: string; running: boolean; detail: string }[];
  readOnly: boolean;
  repositoryHosts: string[];
  domainSuffixes: string[];
  refusedActions: string[];
};

/** A port that an agent found; app is the app's id. */
export type PortColumn = { app: string; port: number; address: string; expected: boolean };

/** A server: a machine with an agent. Keys are base64. */
export const Server = defineEntity({
  name: 'Server',
  tableName: 'servers',
  uniques: [{ properties: ['organization', 'name'] }],
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    name: p.string(),
    publicKey: p.string().nullable().unique(),
    sealingKey: p.string().nullable(),
    sealingKeySignature: p.string().nullable(),
    /** The highest report number that has taken effect. */
    acknowledged: p.integer().default(0),
    facts: p.json<FactsColumn>().nullable(),
    ports: p.json<PortColumn[]>(),
    createdAt: p.datetime(3),
    enrolledAt: p.datetime(3).nullable(),
    lastSeenAt: p.datetime(3).nullable(),
  },
  filters: tenantFilter,
});
export type ServerRow = InferEntity<typeof Server>;

/** A single-use invitation; the row holds only the public half of the token's key. */
export const Enrollment = defineEntity({
  name: 'Enrollment',
  tableName: 'enrollments',
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    server: p.string().index(),
    tokenPublicKey: p.string(),
    /** The numbers of EnrollmentState. */
    state: p.integer(),
    usedFrom: p.string(),
    lastFailure: p.string(),
    revision: p.integer().default(1),
    createdAt: p.datetime(3),
    expiresAt: p.datetime(3),
  },
  filters: tenantFilter,
});
export type EnrollmentRow = InferEntity<typeof Enrollment>;
