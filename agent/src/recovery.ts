import { sha256 } from '@serverflow/agent/envelope';
import { Order } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import type { ActionResult, Context } from './context.ts';
import type { Journal } from './journal.ts';
import type { Obeyer } from './obey.ts';

/** What takes up orders that an earlier run of the agent began. */
export type Recovery = {
  readonly perform: (context: Context, order: Order, signal: AbortSignal) => Promise<ActionResult>;
  readonly recover: (context: Context, order: Order, signal: AbortSignal) => Promise<ActionResult>;
};

/** Ends every order that began and did not end: each gets its one receipt, none is run blindly a second time. */
export async function takeUp(
  context: Context,
  journal: Journal,
  obeyer: Obeyer,
  actions: Recovery,
): Promise<void> {
  const unfinished = journal.unfinished().filter(({ orderId }) => obeyer.claim(orderId));
  await Promise.all(
    unfinished.map(async ({ orderId, order: payload }) => {
      const order = Order.decode(payload);
      const subject = { orderId, sessionId: order.sessionId, digest: sha256(payload) };
      const result = await outcome(context, order, actions, obeyer.signal);
      // Cut off again: the journal keeps it, and the next start takes it up.
      if (result !== undefined) obeyer.finish(subject, result);
    }),
  );
}

async function outcome(
  context: Context,
  order: Order,
  { perform, recover }: Recovery,
  signal: AbortSignal,
): Promise<ActionResult | undefined> {
  try {
    switch (order.action?.$case) {
      case 'deploy':
      case 'rollBack':
        return await recover(context, order, signal);
      // Done once or twice, the end is the same.
      case 'removeApp':
      case 'addDomain':
      case 'removeDomain':
        return await perform(context, order, signal);
      default:
        return {
          outcome: 'unknown',
          code: 'INTERRUPTED',
          message:
            'The agent stopped in the middle of it and cannot say how far it came; look at the state before trying again.',
        };
    }
  } catch (error) {
    if (signal.aborted) return undefined;
    const why = error instanceof Error ? error.message : String(error);
    return {
      outcome: 'unknown',
      code: 'RECOVERY_FAILED',
      message: `The agent could not take it up again (${why}); look at the state before trying again.`,
    };
  }
}
