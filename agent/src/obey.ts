import { sha256 } from '@serverflow/agent/envelope';
import { Signed } from '@serverflow/gen/grpc/serverflow/agent/v1/envelope';
import type { Order } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { checkAllowed } from './allowed.ts';
import { validateOrder } from './arguments.ts';
import { Complaint } from './complaint.ts';
import type { ActionResult, Context } from './context.ts';
import type { Identity } from './identity.ts';
import type { Journal } from './journal.ts';
import { checkAddress, checkTime, openSigned } from './opening.ts';
import { refusalOf, signReceipt, type Subject } from './receipts.ts';
import type { Session } from './session.ts';

/** More orders at once are refused; an agent that is asked for so many is being flooded. */
const MOST_AT_ONCE = 64;

/** What carries orders out, once they are found good. */
export type Actions = {
  readonly perform: (context: Context, order: Order, signal: AbortSignal) => Promise<ActionResult>;
};

/** What obeying needs. */
export type Obedience = Actions & {
  readonly identity: Identity;
  readonly context: Context;
  /** The journal, or why it cannot be read: then everything that changes something is refused. */
  readonly journal: Journal | Complaint;
  /** Makes every report so far durable. */
  readonly flush: () => void;
};

/** Takes orders from a session; each ends in a signed receipt, at most one run each. */
export type Obeyer = {
  /** Checks an order and carries it out; never throws, and does not hold up the stream. */
  readonly take: (session: Session, signed: Signed) => Promise<void>;
  /** Claims an order id for a run that goes on from before a restart; false when it is claimed already. */
  readonly claim: (orderId: string) => boolean;
  /** Ends a claimed run: on disk, then as a signed receipt. */
  readonly finish: (subject: Subject, result: ActionResult) => void;
  /** Resolves once no order runs. */
  readonly idle: () => Promise<void>;
  /** Aborts when every running action is told to stop. */
  readonly signal: AbortSignal;
  readonly stop: () => void;
};

export function makeObeyer(obedience: Obedience): Obeyer {
  const { identity, context, perform } = obedience;
  const running = new Set<string>();
  const tasks = new Set<Promise<void>>();
  const stopping = new AbortController();

  const answer = (subject: Subject, result: ActionResult, nowMs: number): Signed => {
    const message = result.outcome === 'done' ? '' : context.redactor.text(result.message);
    const receipt = signReceipt(identity, subject, { ...result, message } as ActionResult, nowMs);
    return receipt;
  };
  const send = (receipt: Signed): void => {
    try {
      context.report({ $case: 'receipt', value: receipt });
    } catch {
      // The disk is full: the control plane delivers the order again, and the journal answers it.
    }
  };

  /** The checks of the trust model, in their order; nothing has changed when one of them throws. */
  const check = async (
    order: Order,
    session: Session,
  ): Promise<'ping' | 'run' | 'wait' | Signed> => {
    checkAddress(order, identity, session);
    if (order.action?.$case === 'ping') {
      await validateOrder(order, context.policy, context.settings);
      return 'ping';
    }
    const known = readJournal(obedience.journal).find(order.orderId);
    if (known?.state === 'done') return Signed.decode(known.receipt);
    // Begun, and its end not on disk: it runs, or the next start of the agent takes it up.
    if (running.has(order.orderId) || known?.state === 'started') return 'wait';
    checkAllowed(order, context.policy);
    if (running.size >= MOST_AT_ONCE) {
      throw new Complaint(
        'BUSY',
        `The agent already works on ${MOST_AT_ONCE} orders; send it again later.`,
      );
    }
    running.add(order.orderId);
    try {
      await validateOrder(order, context.policy, context.settings);
      checkTime(order, session);
    } catch (error) {
      running.delete(order.orderId);
      throw error;
    }
    return 'run';
  };

  const finish = (subject: Subject, result: ActionResult): void => {
    const receipt = answer(subject, result, Date.now());
    running.delete(subject.orderId);
    try {
      // Once the journal says done, nobody makes the reports of the order again.
      obedience.flush();
      readJournal(obedience.journal).done(subject.orderId, Signed.encode(receipt).finish());
    } catch {
      // It stays noted as begun, so it is not run again; the next start of the agent ends it.
    }
    send(receipt);
  };

  const run = async (order: Order, payload: Buffer, subject: Subject): Promise<void> => {
    try {
      readJournal(obedience.journal).started(order.orderId, payload);
    } catch (error) {
      running.delete(order.orderId);
      const why = error instanceof Error ? error.message : String(error);
      throw new Complaint(
        'JOURNAL_FAILED',
        `The agent cannot write its journal (${why}); free some disk.`,
      );
    }
    const result = await perform(context, order, stopping.signal).catch((error: unknown) =>
      // Cut off by the agent's own end: the journal keeps it as begun, and the next start takes it up.
      stopping.signal.aborted ? undefined : crashed(error),
    );
    if (result !== undefined) finish(subject, result);
  };

  const obey = async (session: Session, signed: Signed): Promise<void> => {
    let subject: Subject = { orderId: '', sessionId: session.id, digest: sha256(signed.payload) };
    try {
      const order = openSigned(signed, session);
      subject = { ...subject, orderId: order.orderId.slice(0, 64) };
      const verdict = await check(order, session);
      if (verdict === 'wait') return;
      if (verdict === 'ping') return send(answer(subject, { outcome: 'done' }, session.now()));
      if (verdict !== 'run') return send(verdict);
      await run(order, signed.payload, subject);
    } catch (error) {
      send(answer(subject, refusalOf(error), session.now()));
    }
  };

  const take = (session: Session, signed: Signed): Promise<void> => {
    const task = obey(session, signed).finally(() => tasks.delete(task));
    tasks.add(task);
    return task;
  };

  return {
    take,
    claim: (orderId) => !running.has(orderId) && Boolean(running.add(orderId)),
    finish,
    idle: async () => void (await Promise.allSettled(tasks)),
    signal: stopping.signal,
    stop: () => stopping.abort(),
  };
}

/** Fails closed: without a journal nobody could say what has run already. */
function readJournal(journal: Journal | Complaint): Journal {
  if (journal instanceof Complaint) throw journal;
  return journal;
}

function crashed(error: unknown): ActionResult {
  const why = error instanceof Error ? error.message : String(error);
  return {
    outcome: 'failed',
    code: 'INTERNAL',
    message: `The agent failed in the middle of it (${why}); look at the app's state and at the agent's log.`,
  };
}
