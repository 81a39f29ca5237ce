import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { tenantFilter } from '../store/tenant.ts';

/** A token; the row holds only the SHA-256 digest of its secret. Lists hold names of enum values and ids of projects. */
export const Token = defineEntity({
  name: 'Token',
  tableName: 'tokens',
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    name: p.string(),
    /** 1 api, 2 mcp: the numbers of TokenKind. */
    kind: p.integer(),
    permissions: p.json<number[]>(),
    projects: p.json<string[]>(),
    environments: p.json<string[]>(),
    toolsets: p.json<number[]>(),
    secretHash: p.string().unique(),
    hint: p.string(),
    createdBy: p.string(),
    createdAt: p.datetime(3),
    expiresAt: p.datetime(3),
    lastUsedAt: p.datetime(3).nullable(),
    revokedAt: p.datetime(3).nullable(),
  },
  filters: tenantFilter,
});
export type TokenRow = InferEntity<typeof Token>;

/** An AI client that has called, as it named itself. */
export const Client = defineEntity({
  name: 'Client',
  tableName: 'clients',
  uniques: [{ properties: ['organization', 'token', 'name', 'version'] }],
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    token: p.string(),
    name: p.string(),
    version: p.string(),
    firstSeenAt: p.datetime(3),
    lastSeenAt: p.datetime(3),
    callCount: p.integer().default(0),
    lastTool: p.string(),
  },
  filters: tenantFilter,
});
export type ClientRow = InferEntity<typeof Client>;
