import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { tenantFilter } from '../store/tenant.ts';

/** A request id that was used, with the first result; written in the change's own transaction, kept a day. */
export const Request = defineEntity({
  name: 'Request',
  tableName: 'requests',
  uniques: [{ properties: ['organization', 'caller', 'requestId'] }],
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    /** The id of the session's user or of the token. */
    caller: p.string(),
    requestId: p.string(),
    method: p.string(),
    digest: p.string(),
    response: p.blob(),
    createdAt: p.datetime(3).index(),
  },
  filters: tenantFilter,
});
export type RequestRow = InferEntity<typeof Request>;
