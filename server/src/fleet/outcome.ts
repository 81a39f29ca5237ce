import { problem, Reason } from '../guard/problems.ts';
import type { OrderRow } from './entity.ts';

/** Passes an order that was done; throws POLICY_REFUSED or ORDER_REFUSED with the agent's own words for any other end. */
export function mustBeDone(order: OrderRow): void {
  if (order.state === 'done') return;
  const why = order.message || order.code || order.state;
  throw problem(order.code === 'POLICY_REFUSED' ? Reason.POLICY_REFUSED : Reason.ORDER_REFUSED, {
    why,
  });
}
