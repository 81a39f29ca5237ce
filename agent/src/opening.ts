import { openOrder, sameBytes } from '@serverflow/agent/envelope';
import type { Signed } from '@serverflow/gen/grpc/serverflow/agent/v1/envelope';
import { Order } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { Complaint } from './complaint.ts';
import type { Identity } from './identity.ts';
import type { Session } from './session.ts';

/** No order is valid for longer, in milliseconds; what waits is signed afresh. */
export const LONGEST_LIFE_MS = 120_000;
/** How far the session's clock may lag behind the control plane's, in milliseconds. */
const LAG_MS = 5_000;

/** Verifies the exact bytes and only then parses them; throws a Refusal of the envelope, or a Complaint NOT_CANONICAL. */
export function openSigned(signed: Signed, session: Session): Order {
  const payload = openOrder(signed, session.trust.keys);
  let order: Order;
  try {
    order = Order.decode(payload);
  } catch {
    throw notCanonical();
  }
  // Unknown fields, doubled fields, defaults written out, other orders of fields: none encodes to the same bytes again.
  if (!sameBytes(Order.encode(order).finish(), payload)) throw notCanonical();
  return order;
}

/** Checks that an order is for this agent, in this session, next in line and in time; counts it. Throws a Complaint. */
export function checkAddress(order: Order, identity: Identity, session: Session): void {
  if (order.agentId !== identity.agentId || order.tenantId !== identity.tenantId) {
    throw new Complaint('NOT_FOR_ME', 'The order is for another agent; address it to this one.');
  }
  if (!sameBytes(order.sessionId, session.id)) {
    throw new Complaint(
      'WRONG_SESSION',
      'The order belongs to another session; sign it for this one.',
    );
  }
  if (order.sequence !== BigInt(session.lastSequence + 1)) {
    throw new Complaint(
      'WRONG_SEQUENCE',
      `The order has the place ${order.sequence} in its session, and ${session.lastSequence + 1} is next; sign it for that place.`,
    );
  }
  session.lastSequence++;
  checkTime(order, session);
}

/** Checks an order's life against the session's clock; throws a Complaint. */
export function checkTime(order: Order, session: Session): void {
  const now = session.now();
  const [issued, expires] = [Number(order.issuedAtMs), Number(order.expiresAtMs)];
  if (order.keySetVersion !== session.trust.version) {
    throw new Complaint(
      'WRONG_KEY_SET',
      `The order was signed under key set ${order.keySetVersion}, and ${session.trust.version} is in force; sign it again.`,
    );
  }
  if (now >= session.trust.expiresAtMs) {
    throw new Complaint(
      'KEY_SET_EXPIRED',
      'The key set of the control plane has ended; sign a new one with the root key.',
    );
  }
  if (expires <= issued || expires - issued > LONGEST_LIFE_MS) {
    throw new Complaint(
      'BAD_LIFETIME',
      `The order must live for at most ${LONGEST_LIFE_MS / 1000} seconds; sign it again.`,
    );
  }
  if (issued > now + LAG_MS) {
    throw new Complaint(
      'NOT_YET_VALID',
      'The order was signed in the future; check the clock of the control plane.',
    );
  }
  if (expires <= now) throw new Complaint('EXPIRED', 'The order came too late; sign it again.');
}

const notCanonical = (): Complaint =>
  new Complaint(
    'NOT_CANONICAL',
    'The order has fields that this agent does not know, or is not encoded as the contract says; update the agent or the control plane.',
  );
