import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { tenantFilter } from '../store/tenant.ts';

/** An organization: the tenant. */
export const Organization = defineEntity({
  name: 'Organization',
  tableName: 'organizations',
  properties: {
    id: p.string().primary(),
    displayName: p.string(),
    /** The number of the last audit entry; it grows in the entry's own transaction. */
    auditCount: p.integer().default(0),
    createdAt: p.datetime(3),
  },
});
export type OrganizationRow = InferEntity<typeof Organization>;

/** A person. */
export const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.string().primary(),
    email: p.string().unique(),
    displayName: p.string(),
    /** argon2id with its parameters, as a PHC string. */
    passwordHash: p.string(),
    createdAt: p.datetime(3),
  },
});
export type UserRow = InferEntity<typeof User>;

/** A person's place in an organization. */
export const Member = defineEntity({
  name: 'Member',
  tableName: 'members',
  uniques: [{ properties: ['organization', 'user'] }],
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    user: p.string().index(),
    role: p.string(),
    createdAt: p.datetime(3),
  },
  filters: tenantFilter,
});
export type MemberRow = InferEntity<typeof Member>;

/** A signed-in browser; the cookie holds the secret, the row only its digest. */
export const Session = defineEntity({
  name: 'Session',
  tableName: 'sessions',
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    user: p.string().index(),
    secretHash: p.string().unique(),
    createdAt: p.datetime(3),
    lastUsedAt: p.datetime(3),
    expiresAt: p.datetime(3),
    address: p.string(),
    userAgent: p.string().length(400),
  },
  filters: tenantFilter,
});
export type SessionRow = InferEntity<typeof Session>;
