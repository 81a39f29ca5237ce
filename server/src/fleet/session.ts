import { createHash } from 'node:crypto';
import { create, fromBinary } from '@bufbuild/protobuf';
import { sameBytes } from '@serverflow/agent/envelope';
import type { ConnectResponse } from '@serverflow/gen/es/serverflow/agent/v1/agent_service_pb';
import { SignedSchema, type Signed } from '@serverflow/gen/es/serverflow/agent/v1/envelope_pb';
import {
  OrderOutcome,
  OrderSchema,
  type Order as OrderMessage,
  type Receipt,
} from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { newOrderId } from '../store/ids.ts';
import { NotSigned } from '../trust/order-rules.ts';
import { Order, type ActorColumn, type OrderRow } from './entity.ts';
import { refuseOrder } from './order-end.ts';
import type { Outgoing } from './outgoing.ts';
import type { FleetParts } from './parts.ts';

/** How long an order lives after it was signed, in milliseconds; the agent refuses more than two minutes. */
const lifeMs = 90_000;

/** How many orders may be unanswered at once; more stay in the outbox. */
const inFlight = 32;

/** How long an order that the agent could not take just now waits for its next try, in milliseconds, and how many tries it has. */
const laterMs = 1_000;
const mostTries = 10;

/** What was sent and is not answered yet: until when it is waited for, and how often it was tried. */
type Sent = { digest: Buffer; dueAtMs: number; tries: number };

/** One authenticated connection of an agent: its place in the order of things, and what was sent in it. */
export class Session {
  readonly server: string;
  readonly organization: string;
  readonly id: Uint8Array;
  readonly publicKey: string;
  readonly #parts: FleetParts;
  readonly #outgoing: Outgoing<ConnectResponse['message']>;
  readonly #over = new AbortController();
  readonly #sent = new Map<string, Sent>();
  readonly #pings = new Map<string, (receipt: Receipt) => void>();
  #due: Promise<void> | undefined;
  #sequence = 0n;
  #line: Promise<unknown> = Promise.resolve();

  constructor(
    parts: FleetParts,
    outgoing: Outgoing<ConnectResponse['message']>,
    of: { server: string; organization: string; publicKey: string; id: Uint8Array },
  ) {
    this.#parts = parts;
    this.#outgoing = outgoing;
    this.server = of.server;
    this.organization = of.organization;
    this.publicKey = of.publicKey;
    this.id = of.id;
  }

  /** Aborts when the session is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Sends what waits in the outbox, oldest first: what was not sent in this session yet, and, signed afresh under the same order id, what
   * was sent and is not answered long after its end. An order that somebody else wrote, or that the signer refuses, ends as refused and holds nothing up.
   */
  deliver(): Promise<void> {
    // Many may ask while the signer is slow: one more look takes in what all of them mean.
    this.#due ??= this.#inLine(async () => {
      this.#due = undefined;
      const now = Date.now();
      const awaited = [...this.#sent].filter(([, sent]) => sent.dueAtMs > now).map(([id]) => id);
      const room = inFlight - awaited.length;
      if (room <= 0 || this.signal.aborted) return;
      const em = this.#parts.store.tenant(this.organization);
      const rows = await em.find(
        Order,
        { server: this.server, state: 'waiting', id: { $nin: awaited } },
        { orderBy: { id: 'asc' }, limit: room },
      );
      for (const row of rows) {
        if (!this.#parts.mark.isGood(row, row.mark)) {
          await refuseOrder(this.#parts, row, 'NOT_OURS', 'This control plane did not place it.');
          continue;
        }
        const signed = await this.#sign(row.id, actionOf(row), row.actor).catch(notSigned);
        if (signed instanceof NotSigned) {
          await refuseOrder(this.#parts, row, 'NOT_SIGNED', signed.message);
          continue;
        }
        const digest = digestOf(signed);
        row.digests = [...row.digests, digest.toString('base64')];
        row.sentAt = new Date();
        await em.flush();
        const tries = (this.#sent.get(row.id)?.tries ?? 0) + 1;
        this.#sent.set(row.id, { digest, tries, dueAtMs: now + lifeMs * 2 ** (tries - 1) });
        this.#send(signed);
      }
    });
    return this.#due;
  }

  /** Asks for a receipt and nothing else; resolves with how long it took, in milliseconds. Throws after the wait, or where the agent refuses. */
  async ping(actor: ActorColumn, waitMs: number): Promise<number> {
    const id = newOrderId();
    const started = performance.now();
    const answered = new Promise<Receipt>((resolve) => this.#pings.set(id, resolve));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('The agent did not answer.')), waitMs);
    });
    const asked = this.#inLine(async () => {
      const action = { case: 'ping', value: { $typeName: 'serverflow.agent.v1.Ping' } } as const;
      const signed = await this.#sign(id, action, actor);
      this.#sent.set(id, { digest: digestOf(signed), dueAtMs: Date.now() + lifeMs, tries: 1 });
      this.#send(signed);
    });
    try {
      await Promise.race([asked, late]);
      const receipt = await Promise.race([answered, late]);
      if (receipt.outcome !== OrderOutcome.DONE) throw new Error(receipt.message);
      return performance.now() - started;
    } finally {
      clearTimeout(timer);
      this.#pings.delete(id);
      this.#sent.delete(id);
    }
  }

  /** The id of the order that a receipt answers; one that the agent could not read is known by its bytes. */
  orderId(receipt: Receipt): string {
    if (receipt.orderId) return receipt.orderId;
    const digest = Buffer.from(receipt.orderDigest);
    return [...this.#sent].find(([, sent]) => sent.digest.equals(digest))?.[0] ?? '';
  }

  /** Takes the receipt of a ping of this session; false when it is of another order. */
  pinged(id: string, receipt: Receipt): boolean {
    const resolve = this.#pings.get(id);
    const sent = this.#sent.get(id);
    if (!resolve || !sent || !sameBytes(sent.digest, receipt.orderDigest)) return false;
    resolve(receipt);
    return true;
  }

  /** An order has ended: there is room for the next one. */
  ended(id: string): void {
    this.#sent.delete(id);
  }

  /** Whether an order that the agent could not take just now is to be tried again; it is then signed afresh in a moment. */
  again(id: string): boolean {
    const sent = this.#sent.get(id);
    if (!sent || sent.tries >= mostTries) return false;
    sent.dueAtMs = Date.now() + laterMs;
    return true;
  }

  /** Ends the connection once what waits is sent. */
  end(): void {
    this.#over.abort();
    this.#outgoing.end();
  }

  /** Sends any message; ends the session when the agent does not keep up. */
  push(message: ConnectResponse['message']): void {
    if (!this.#outgoing.push(message)) this.end();
  }

  #sign(id: string, action: OrderMessage['action'], actor: ActorColumn): Promise<Signed> {
    const now = Date.now();
    return this.#parts.signer.sign(
      create(OrderSchema, {
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
      }),
    );
  }

  #send(signed: Signed): void {
    this.#sequence += 1n;
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

/** The action of a row; one that cannot be read is none, and the signer refuses it. */
function actionOf(row: OrderRow): OrderMessage['action'] {
  try {
    return fromBinary(OrderSchema, row.action).action;
  } catch {
    return { case: undefined };
  }
}

function notSigned(thrown: unknown): NotSigned {
  if (thrown instanceof NotSigned) return thrown;
  throw thrown;
}

function digestOf(signed: Signed): Buffer {
  return createHash('sha256').update(signed.payload).digest();
}
