import { fromBinary } from '@bufbuild/protobuf';
import { openReceipt } from '@serverflow/agent/envelope';
import type { Signed } from '@serverflow/gen/es/serverflow/agent/v1/envelope_pb';
import { OrderOutcome, ReceiptSchema } from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import type { Report } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { Order } from './entity.ts';
import type { Hearing } from './hearing.ts';
import { endOrder, hearingIn } from './order-end.ts';
import type { FleetParts } from './parts.ts';
import type { Session } from './session.ts';

const states: Record<number, string> = {
  [OrderOutcome.DONE]: 'done',
  [OrderOutcome.FAILED]: 'failed',
  [OrderOutcome.REFUSED]: 'refused',
  [OrderOutcome.UNKNOWN]: 'unknown',
};

/** Refusals that a fresh signature mends, and those that only a new session mends. */
const mendedByTime = new Set(['EXPIRED', 'NOT_YET_VALID', 'BUSY']);
const mendedBySession = new Set(['WRONG_SESSION', 'WRONG_SEQUENCE']);

/** SQLite's primary codes for what a disk does: busy, read-only, I/O error, full (sqlite.org/rescode.html). */
const storageCodes = new Set([5, 8, 10, 13]);

/** Whether an error is the disk's and not a report's. */
export function isStorageFault(thrown: unknown): boolean {
  const { errcode } = Object(thrown) as { errcode?: unknown };
  return typeof errcode === 'number' && storageCodes.has(errcode & 0xff);
}

/** A report whose predecessor did not come. */
export class Gap extends Error {
  override readonly name = 'Gap';
}

/**
 * Takes reports in the order of their numbers: the effects of a batch and the acknowledgement of its last number are one transaction, so
 * that each report takes effect once. A batch that fails is taken again one by one; a report that fails by itself is logged and passed over,
 * for it would fail for ever. Returns the number that is acknowledged; throws Gap where a number is missing.
 */
export async function takeReports(
  parts: FleetParts,
  session: Session,
  reports: readonly Report[],
): Promise<number> {
  try {
    return await takeTogether(parts, session, reports);
  } catch (thrown) {
    const [first] = reports;
    if (reports.length === 1 && first) {
      // Not the report's fault: the session ends, and the agent, which keeps it, sends it again.
      if (thrown instanceof Gap || isStorageFault(thrown)) throw thrown;
      return passOver(parts, session, first, thrown);
    }
    let acknowledged = 0;
    for (const report of reports) acknowledged = await takeReports(parts, session, [report]);
    return acknowledged;
  }
}

function takeTogether(
  parts: FleetParts,
  session: Session,
  reports: readonly Report[],
  take = takeOne,
): Promise<number> {
  return hearingIn(parts, session.server, async (hearing) => {
    const { server } = hearing;
    for (const report of reports) {
      const number = Number(report.sequence);
      if (number <= server.acknowledged) continue;
      if (number > server.acknowledged + 1)
        throw new Gap(`Report ${number} came after ${server.acknowledged}.`);
      await take(parts, session, hearing, report);
      server.acknowledged = number;
    }
    server.lastSeenAt = new Date();
    return server.acknowledged;
  });
}

async function passOver(
  parts: FleetParts,
  session: Session,
  report: Report,
  thrown: unknown,
): Promise<number> {
  const [number, kind] = [Number(report.sequence), report.body.case];
  parts.log.error({ server: session.server, number, kind, err: thrown }, 'a report had no effect');
  return takeTogether(parts, session, [report], async () => {});
}

async function takeOne(
  parts: FleetParts,
  session: Session,
  hearing: Hearing,
  report: Report,
): Promise<void> {
  if (report.body.case === 'receipt') await hearReceipt(parts, session, hearing, report.body.value);
  else await parts.hears.report(hearing, report.body);
}

/** Hears how an order ended: the agent's signature, and that it speaks of the very bytes that were sent, are checked first. */
async function hearReceipt(
  parts: FleetParts,
  session: Session,
  hearing: Hearing,
  signed: Signed,
): Promise<void> {
  const { em, server } = hearing;
  const key = Buffer.from(server.publicKey ?? '', 'base64');
  const receipt = fromBinary(ReceiptSchema, openReceipt(signed, key));
  if (receipt.agentId !== server.id) throw new Error('The receipt is of another agent.');
  const id = session.orderId(receipt);
  if (session.pinged(id, receipt)) return;
  const order = await em.findOne(Order, { id, server: server.id });
  if (!order || order.state !== 'waiting') {
    session.ended(id);
    return;
  }
  if (!order.digests.includes(Buffer.from(receipt.orderDigest).toString('base64')))
    throw new Error('The receipt is not about what was sent.');
  const refused = receipt.outcome === OrderOutcome.REFUSED;
  // An order that the agent could not read has no place in its count of the session, so that the next one would be refused too.
  if (refused && (mendedBySession.has(receipt.code) || !receipt.orderId))
    hearing.afterCommit(() => session.end());
  if (refused && mendedBySession.has(receipt.code)) return;
  if (refused && mendedByTime.has(receipt.code) && session.again(id)) return;
  await endOrder(parts, hearing, order, {
    state: states[receipt.outcome] ?? 'unknown',
    code: receipt.code,
    message: receipt.message,
  });
  hearing.afterCommit(() => {
    session.ended(id);
    void session.deliver().catch(() => {});
  });
}
