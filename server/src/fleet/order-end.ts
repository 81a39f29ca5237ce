import type { EntityManager } from '@mikro-orm/sql';
import { changesTopic } from '../live.ts';
import { Server, type ServerRow } from '../servers/entity.ts';
import { Order, type OrderRow } from './entity.ts';
import type { Hearing } from './hearing.ts';
import { orderTopic } from './outbox.ts';
import type { FleetParts } from './parts.ts';

/** How an order ended: done, failed, refused or unknown, and why. */
export type End = { readonly state: string; readonly code: string; readonly message: string };

/** Ends an order that waits, with what it means for its noun, in the hearing's transaction. */
export async function endOrder(
  parts: FleetParts,
  hearing: Hearing,
  order: OrderRow,
  end: End,
): Promise<void> {
  Object.assign(order, end, { doneAt: new Date() });
  await parts.hears.orderEnd(hearing, order);
  hearing.afterCommit(() => parts.live.publish(orderTopic(order.id)));
}

/** Ends an order that cannot be sent. */
export async function refuseOrder(
  parts: FleetParts,
  { id, server }: OrderRow,
  code: string,
  message: string,
): Promise<void> {
  parts.log.error({ server, order: id, code, message }, 'an order was not sent');
  await hearingIn(parts, server, async (hearing) => {
    const order = await hearing.em.findOne(Order, { id, state: 'waiting' });
    if (order) await endOrder(parts, hearing, order, { state: 'refused', code, message });
  });
}

/** Runs work about one server in a transaction, and what it asked for once that is committed. */
export async function hearingIn<T>(
  parts: FleetParts,
  id: string,
  work: (hearing: Hearing) => Promise<T>,
): Promise<T> {
  const hooks: (() => void)[] = [];
  const result = await parts.store.all().transactional(async (em) => {
    const server = await em.findOneOrFail(Server, id);
    return work(hearingOf(parts, em, server, hooks));
  });
  for (const hook of hooks) hook();
  return result;
}

function hearingOf(
  { live }: FleetParts,
  em: EntityManager,
  server: ServerRow,
  hooks: (() => void)[],
): Hearing {
  const { organization } = server;
  return {
    em,
    server,
    live,
    changed: (kind, id, name) =>
      hooks.push(() => live.publish(changesTopic(organization), { organization, kind, id, name })),
    afterCommit: (hook) => hooks.push(hook),
  };
}
