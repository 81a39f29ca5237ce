import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { tenantFilter } from '../store/tenant.ts';

/** A host name under which an app answers; unique across all tenants. */
export const Domain = defineEntity({
  name: 'Domain',
  tableName: 'domains',
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    app: p.string().index(),
    hostname: p.string().unique(),
    /** The numbers of DomainState. */
    state: p.integer(),
    detail: p.string(),
    createdAt: p.datetime(3),
  },
  filters: tenantFilter,
});
export type DomainRow = InferEntity<typeof Domain>;
