import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { tenantFilter } from '../store/tenant.ts';

/** An app's settings as they were given; 0 and empty mean the default. The shape of the proto's Settings. */
export type SettingsColumn = {
  buildScript: string;
  startScript: string;
  outputDirectory: string;
  healthPath: string;
  healthIntervalMs: number;
  healthTimeoutMs: number;
  healthPasses: number;
  healthDeadlineMs: number;
  bakeMs: number;
  drainMs: number;
  keepReleases: number;
  buildTimeoutMs: number;
};

/** An app: one program or site on one server. */
export const App = defineEntity({
  name: 'App',
  tableName: 'apps',
  uniques: [{ properties: ['organization', 'name'] }],
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    name: p.string(),
    project: p.string().index(),
    environment: p.string().index(),
    server: p.string().index(),
    repository: p.string(),
    ref: p.string(),
    directory: p.string(),
    /** The numbers of AppKind. */
    kind: p.integer(),
    settings: p.json<SettingsColumn>(),
    /** The numbers of AppState, as the agent last measured it. */
    state: p.integer(),
    stateDetail: p.string(),
    servingRelease: p.integer().default(0),
    keptReleases: p.json<number[]>(),
    urls: p.json<string[]>(),
    variablesVersion: p.integer().default(0),
    /** The number of the last deployment. */
    deploymentCount: p.integer().default(0),
    createdAt: p.datetime(3),
  },
  filters: tenantFilter,
});
export type AppRow = InferEntity<typeof App>;

/** A version of an app that was built. */
export const Release = defineEntity({
  name: 'Release',
  tableName: 'releases',
  uniques: [{ properties: ['app', 'number'] }],
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    app: p.string().index(),
    number: p.integer(),
    commit: p.string(),
    commitMessage: p.string(),
    variablesVersion: p.integer(),
    deployment: p.integer(),
    createdAt: p.datetime(3),
  },
  filters: tenantFilter,
});
export type ReleaseRow = InferEntity<typeof Release>;

/** A variable of an app, sealed to its server's agent. */
export const Variable = defineEntity({
  name: 'Variable',
  tableName: 'variables',
  uniques: [{ properties: ['app', 'name'] }],
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    app: p.string().index(),
    name: p.string(),
    secret: p.boolean(),
    plain: p.text(),
    /** HPKE's encapsulated key and ciphertext. */
    sealed: p.blob(),
    version: p.integer(),
    fingerprint: p.string(),
    updatedAt: p.datetime(3),
    updatedBy: p.string(),
  },
  filters: tenantFilter,
});
export type VariableRow = InferEntity<typeof Variable>;
