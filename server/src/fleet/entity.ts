import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { tenantFilter } from '../store/tenant.ts';

/** For whom an order is done. */
export type ActorColumn = { person: string; client: string; tokenId: string };

/** An order in the outbox: written in the change's own transaction, delivered when the agent is connected, again after a reconnect under the same id. */
export const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: {
    /** The order id, a UUIDv7, so that ids sort by age. */
    id: p.string().primary(),
    organization: p.string().index(),
    server: p.string().index(),
    /** The action as an agent.v1.Order that holds nothing else. */
    action: p.blob(),
    /** The action's name in the order's oneof, such as deploy. */
    kind: p.string(),
    actor: p.json<ActorColumn>(),
    /** The id of what it is about: an app's, a domain's or a deployment's. */
    subject: p.string(),
    /** The control plane's mark over what is above: an order without it is not signed. */
    mark: p.string().default(''),
    /** waiting, done, failed, refused or unknown. */
    state: p.string().index(),
    code: p.string(),
    message: p.string(),
    /** The SHA-256 digests, base64, of the bytes that were sent for it: one for each signature. */
    digests: p.json<string[]>().onCreate(() => []),
    createdAt: p.datetime(3),
    sentAt: p.datetime(3).nullable(),
    doneAt: p.datetime(3).nullable(),
  },
  filters: tenantFilter,
});
export type OrderRow = InferEntity<typeof Order>;
