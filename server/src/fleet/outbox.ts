import { create, toBinary } from '@bufbuild/protobuf';
import {
  OrderSchema,
  type Order as OrderMessage,
} from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import type { Change } from '../guard/change.ts';
import { newOrderId } from '../store/ids.ts';
import { Order } from './entity.ts';

/** What an order does: the oneof of agent.v1.Order. */
export type Action = Exclude<OrderMessage['action'], { case: undefined }>;

/** The topic that wakes whoever delivers a server's orders. */
export function ordersTopic(server: string): string {
  return `orders:${server}`;
}

/** The topic that tells that a server came on line or went. */
export function serverTopic(server: string): string {
  return `server:${server}`;
}

/** The topic of one enrolment's changes. */
export function enrollmentTopic(enrollment: string): string {
  return `enrollment:${enrollment}`;
}

/** The topic that tells that an order has ended. */
export function orderTopic(order: string): string {
  return `order:${order}`;
}

/**
 * Puts an order into the outbox, in the change's own transaction; it is delivered when the agent is connected.
 * `subject` is the id of the app, domain or deployment that it is about. Returns the order's id.
 */
export function placeOrder(
  change: Change,
  server: string,
  action: Action,
  subject: string,
): string {
  const { call, em } = change;
  const id = newOrderId();
  const caller = call.caller;
  const placed = {
    id,
    organization: change.organization,
    server,
    action: Buffer.from(toBinary(OrderSchema, create(OrderSchema, { action }))),
    kind: action.case,
    actor: {
      person: caller.kind === 'anyone' ? '' : caller.email,
      client: call.client,
      tokenId: caller.kind === 'token' ? caller.token : '',
    },
    subject,
  };
  em.create(Order, {
    ...placed,
    mark: call.parts.fleet.mark(placed),
    state: 'waiting',
    code: '',
    message: '',
    digests: [],
    createdAt: new Date(),
    sentAt: null,
    doneAt: null,
  });
  change.afterCommit(() => call.live.publish(ordersTopic(server)));
  return id;
}
