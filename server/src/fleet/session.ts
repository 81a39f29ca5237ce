import { createHash } from 'node:crypto';
import { create, fromBinary } from '@bufbuild/protobuf';
import { SignedSchema, type Signed } from '@serverflow/gen/es/serverflow/agent/v1/envelope_pb';
import {
  OrderSchema,
  type Order as OrderMessage,
  type Receipt,
} from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import type { ConnectResponse } from '@serverflow/gen/es/serverflow/agent/v1/agent_service_pb';
import { newOrderId } from '../store/ids.ts';
import { Order, type ActorColumn, type OrderRow } from './entity.ts';
import type { Outgoing } from './outgoing.ts';
import type { FleetParts } from './parts.ts';

/** How long an order lives after it was signed, in milliseconds. */
const lifeMs = 90_000;

/** How many orders may be unanswered at once; more stay in the outbox. */
const inFlight = 32;

/** One authenticated connection of an agent: its place in the order of things, and what was sent in it. */
export class Session {
  readonly server: string;
  readonly organization: string;
  readonly id: Uint8Array;
  /** When anything was last heard, in milliseconds since 1970. */
  lastHeardMs = Date.now();
  readonly #parts: FleetParts;
  readonly #outgoing: Outgoing<ConnectResponse['message']>;
  readonly #sent = new Map<string, Buffer>();
  readonly #pings = new Map<string, (receipt: Receipt) => void>();
  #sequence = 0n;
  #line: Promise<unknown> = Promise.resolve();

  constructor(
    parts: FleetParts,
    outgoing: Outgoing<ConnectResponse['message']>,
    of: { server: string; organization: string; id: Uint8Array },
  ) {
    this.#parts = parts;
    this.#outgoing = outgoing;
    this.server = of.server;
    this.organization = of.organization;
    this.id = of.id;
  }

  /** Sends what waits in the outbox and was not sent in this session yet, oldest first. */
  deliver(): Promise<void> {
    return this.#inLine(async () => {
      const room = inFlight - this.#sent.size;
      if (room <= 0) return;
      const em = this.#parts.store.tenant(this.organization);
      const rows = await em.find(
        Order,
        { server: this.server, state: 'waiting', id: { $nin: [...this.#sent.keys()] } },
        { orderBy: { id: 'asc' }, limit: room },
      );
      for (const row of rows) {
        await this.#send(row.id, fromBinary(OrderSchema, row.action).action, row.actor);
        row.sentAt = new Date();
      }
      await em.flush();
    });
  }

  /** Asks for a receipt and nothing else; resolves with how long it took, in milliseconds. */
  async ping(actor: ActorColumn, waitMs: number): Promise<number> {
    const id = newOrderId();
    const started = performance.now();
    const answered = new Promise<Receipt>((resolve) => this.#pings.set(id, resolve));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('The agent did not answer.')), waitMs);
    });
    try {
      await this.#inLine(() =>
        this.#send(id, { case: 'ping', value: { $typeName: 'serverflow.agent.v1.Ping' } }, actor),
      );
      await Promise.race([answered, late]);
      return performance.now() - started;
    } finally {
      clearTimeout(timer);
      this.#pings.delete(id);
      this.#sent.delete(id);
    }
  }

  /** Whether a receipt of this session is about the very bytes that were sent; a receipt of an earlier session answers a repeated order. */
  matches(receipt: Receipt): boolean {
    const digest = this.#sent.get(receipt.orderId);
    return (
      !Buffer.from(receipt.sessionId).equals(this.id) ||
      (digest !== undefined && digest.equals(receipt.orderDigest))
    );
  }

  /** Takes the receipt of a ping; false when it is of another order. */
  pinged(receipt: Receipt): boolean {
    const resolve = this.#pings.get(receipt.orderId);
    resolve?.(receipt);
    return resolve !== undefined;
  }

  /** An order has ended: there is room for the next one. */
  ended(order: OrderRow): void {
    this.#sent.delete(order.id);
  }

  /** Forgets that an order was sent, so that it is signed afresh and sent again. */
  again(order: OrderRow): void {
    this.#sent.delete(order.id);
    void this.deliver();
  }

  /** Ends the connection. */
  end(): void {
    this.#outgoing.end();
  }

  /** Sends any message; ends the session when the agent does not keep up. */
  push(message: ConnectResponse['message']): void {
    if (!this.#outgoing.push(message)) this.end();
  }

  async #send(id: string, action: OrderMessage['action'], actor: ActorColumn): Promise<void> {
    const now = Date.now();
    const order = create(OrderSchema, {
      agentId: this.server,
      tenantId: this.organization,
      sessionId: this.id,
      sequence: this.#sequence + 1n,
      orderId: id,
      issuedAtMs: BigInt(now),
      expiresAtMs: BigInt(now + lifeMs),
      keySetVersion: this.#parts.trust.version,
      actor,
      action,
    });
    const signed: Signed = await this.#parts.signer.sign(order);
    this.#sequence += 1n;
    this.#sent.set(id, createHash('sha256').update(signed.payload).digest());
    this.push({ case: 'order', value: create(SignedSchema, signed) });
  }

  /** Orders are signed one after the other: each has its place in the session. */
  #inLine<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#line.then(work);
    this.#line = done.catch((thrown: unknown) => {
      this.#parts.log.error({ server: this.server, err: thrown }, 'an order could not be sent');
    });
    return done;
  }
}
