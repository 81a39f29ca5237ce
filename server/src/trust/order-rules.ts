import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { OrderSchema, type Order } from '@serverflow/gen/es/serverflow/agent/v1/order_pb';

/** No order lives longer, in milliseconds. */
const longestLifeMs = 120_000;

/** How far an order's time may lie from the signer's clock, in milliseconds. */
const clockMs = 30_000;

/** Why the signer does not sign; the text is for the operator's log. */
export class NotSigned extends Error {
  override readonly name = 'NotSigned';
}

/**
 * What the signer checks by itself before it signs, whatever the control plane's process or its database says: that the bytes are an order in
 * its one encoding, addressed and bound to a session, of short life, for somebody; and that no AI client destroys anything.
 */
export function checkOrder(bytes: Uint8Array, nowMs: number): Order {
  let order: Order;
  try {
    order = fromBinary(OrderSchema, bytes, { readUnknownFields: false });
  } catch {
    throw new NotSigned('The bytes are not an order.');
  }
  if (!Buffer.from(toBinary(OrderSchema, order)).equals(bytes))
    throw new NotSigned('The order is not in its one encoding.');
  if (!order.action.case) throw new NotSigned('The order has no action.');
  if (!order.agentId || !order.tenantId || order.sessionId.length !== 32)
    throw new NotSigned('The order is not addressed.');
  if (order.sequence < 1n || order.keySetVersion < 1)
    throw new NotSigned('The order has no place.');
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(order.orderId))
    throw new NotSigned('The order id is not a UUIDv7.');
  const [issued, expires] = [Number(order.issuedAtMs), Number(order.expiresAtMs)];
  if (expires <= issued || expires - issued > longestLifeMs)
    throw new NotSigned('The order lives too long.');
  if (Math.abs(issued - nowMs) > clockMs) throw new NotSigned("The order's time is not now.");
  if (!order.actor?.person && order.action.case !== 'ping')
    throw new NotSigned('The order is for nobody.');
  if (order.action.case === 'removeApp' && order.actor?.client)
    throw new NotSigned('An AI client may not remove an app.');
  return order;
}
