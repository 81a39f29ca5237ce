import type { Call } from '../guard/call.ts';
import { organizationOf } from '../guard/call.ts';
import { problem, Reason } from '../guard/problems.ts';
import { Server } from '../servers/entity.ts';
import { Order, type OrderRow } from './entity.ts';
import type { OrderMark } from './mark.ts';
import { orderTopic } from './outbox.ts';
import type { FleetParts } from './parts.ts';

/** Who is on line, and what comes of an order. */
export type Fleet = {
  readonly isOnline: (server: string) => boolean;
  /** Marks an order as placed by this control plane. */
  readonly mark: OrderMark['of'];
  /** Waits for the end of an order, at most config.orderWaitMs; throws ORDER_TIMEOUT. */
  readonly waitOrder: (call: Call, order: string) => Promise<OrderRow>;
  /** Sends a signed order that changes nothing and waits for its receipt; milliseconds. Throws SERVER_OFFLINE or ORDER_TIMEOUT. */
  readonly ping: (call: Call, server: string, name: string) => Promise<number>;
  /** Ends a server's connection, because the server is no longer ours. */
  readonly end: (server: string) => void;
  /** Ends every connection, because the control plane closes. */
  readonly close: () => void;
};

/** Makes the fleet of one instance. */
export function createFleet(parts: FleetParts): Fleet {
  const { sessions, config } = parts;
  return {
    mark: parts.mark.of,

    isOnline: (server) => sessions.has(server),

    async waitOrder(call, id) {
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(config.orderWaitMs)]);
      const heard = call.live.subscribe([orderTopic(id)], signal);
      const read = () => call.store.tenant(organizationOf(call)).findOneOrFail(Order, id);
      let order = await read();
      if (order.state !== 'waiting') return order;
      for await (const _end of heard) {
        order = await read();
        if (order.state !== 'waiting') return order;
      }
      const server = await call.store.tenant(organizationOf(call)).findOne(Server, order.server);
      throw problem(Reason.ORDER_TIMEOUT, { server: server?.name ?? '' });
    },

    async ping(call, server, name) {
      const session = sessions.get(server);
      if (!session) throw problem(Reason.SERVER_OFFLINE, { server: name });
      const { caller } = call;
      const actor = {
        person: caller.kind === 'anyone' ? '' : caller.email,
        client: call.client,
        tokenId: caller.kind === 'token' ? caller.token : '',
      };
      return session.ping(actor, config.orderWaitMs).catch((thrown: unknown) => {
        throw problem(Reason.ORDER_TIMEOUT, { server: name }, { cause: thrown });
      });
    },

    end: (server) => sessions.get(server)?.end(),

    close: () => sessions.forEach((session) => session.end()),
  };
}
