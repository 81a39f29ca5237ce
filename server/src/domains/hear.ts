import { DomainState } from '@serverflow/gen/es/serverflow/domain/v1/domain_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import type { OrderRow } from '../fleet/entity.ts';
import type { Hearing } from '../fleet/hearing.ts';
import { Domain } from './entity.ts';

/** Hears how an order about a domain ended: added is served, removed is gone, and a failure says why. */
export async function hearDomainEnd(
  { em, server, changed }: Hearing,
  order: OrderRow,
): Promise<void> {
  const row = await em.findOne(Domain, { id: order.subject, organization: server.organization });
  if (!row) return;
  const done = order.state === 'done';
  if (order.kind === 'removeDomain' && done) {
    em.remove(row);
  } else {
    row.state = done ? DomainState.ACTIVE : DomainState.FAILED;
    row.detail = done ? '' : order.message || order.code;
  }
  changed(ThingKind.DOMAIN, row.id, row.hostname);
}
