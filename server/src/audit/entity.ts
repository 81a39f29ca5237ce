import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { tenantFilter } from '../store/tenant.ts';

/** One entry of the activity. `bytes` are the exact bytes that were kept (an encoded audit.v1.Event); the other columns only find it. */
export const Event = defineEntity({
  name: 'Event',
  tableName: 'events',
  uniques: [{ properties: ['organization', 'number'] }],
  properties: {
    id: p.string().primary(),
    /** Empty for what happened before anybody was recognised. */
    organization: p.string().index(),
    number: p.integer(),
    bytes: p.blob(),
    /** The numbers of ActorKind and Outcome. */
    actorKind: p.integer(),
    outcome: p.integer(),
    method: p.string(),
    resource: p.string().index(),
    createdAt: p.datetime(3),
  },
  filters: tenantFilter,
});
export type EventRow = InferEntity<typeof Event>;
