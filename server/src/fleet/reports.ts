import { fromBinary } from '@bufbuild/protobuf';
import type { EntityManager } from '@mikro-orm/sql';
import { openReceipt } from '@serverflow/agent/envelope';
import {
  OrderOutcome,
  ReceiptSchema,
  type Receipt,
} from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import type { Report } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import type { Signed } from '@serverflow/gen/es/serverflow/agent/v1/envelope_pb';
import { changesTopic } from '../live.ts';
import { Server, type ServerRow } from '../servers/entity.ts';
import { Order } from './entity.ts';
import type { Hearing } from './hearing.ts';
import { orderTopic } from './outbox.ts';
import type { FleetParts } from './parts.ts';
import type { Session } from './session.ts';

const states: Record<number, string> = {
  [OrderOutcome.DONE]: 'done',
  [OrderOutcome.FAILED]: 'failed',
  [OrderOutcome.REFUSED]: 'refused',
  [OrderOutcome.UNKNOWN]: 'unknown',
};

/** Refusals that a fresh signature mends: the order is sent again. */
const transient = new Set(['EXPIRED', 'NOT_YET_VALID', 'WRONG_SESSION', 'WRONG_SEQUENCE', 'BUSY']);

/**
 * Takes reports in the order of their numbers: the effects of a batch and the acknowledgement of its last number are one transaction, so
 * that each report takes effect once. A batch that fails is taken again one by one; a report that fails by itself is logged and passed over,
 * for it would fail for ever. Returns the number that is acknowledged.
 */
export async function takeReports(
  parts: FleetParts,
  session: Session,
  reports: readonly Report[],
): Promise<number> {
  try {
    return await takeTogether(parts, session, reports);
  } catch (thrown) {
    if (reports.length === 1) return passOver(parts, session, reports[0]!, thrown);
    let acknowledged = 0;
    for (const report of reports) acknowledged = await takeReports(parts, session, [report]);
    return acknowledged;
  }
}

async function takeTogether(
  parts: FleetParts,
  session: Session,
  reports: readonly Report[],
  skip = false,
): Promise<number> {
  const hooks: (() => void)[] = [];
  const acknowledged = await parts.store.all().transactional(async (em) => {
    const server = await em.findOneOrFail(Server, session.server);
    const hearing = hearingOf(parts, em, server, hooks);
    for (const report of reports) {
      const number = Number(report.sequence);
      if (number <= server.acknowledged) continue;
      if (number > server.acknowledged + 1)
        parts.log.warn(
          { server: server.id, from: server.acknowledged, to: number },
          'an agent skipped reports',
        );
      if (!skip) await take(parts, session, hearing, report);
      server.acknowledged = number;
    }
    server.lastSeenAt = new Date();
    return server.acknowledged;
  });
  for (const hook of hooks) hook();
  return acknowledged;
}

async function passOver(
  parts: FleetParts,
  session: Session,
  report: Report,
  thrown: unknown,
): Promise<number> {
  parts.log.error(
    {
      server: session.server,
      report: report.body.case,
      number: Number(report.sequence),
      err: thrown,
    },
    'a report had no effect',
  );
  return takeTogether(parts, session, [report], true);
}

async function take(
  parts: FleetParts,
  session: Session,
  hearing: Hearing,
  report: Report,
): Promise<void> {
  if (report.body.case === 'receipt') await hearReceipt(parts, session, hearing, report.body.value);
  else await parts.hears.report(hearing, report.body);
}

/** Hears how an order ended: the agent's signature and the digest of what was sent are checked first. */
async function hearReceipt(
  parts: FleetParts,
  session: Session,
  hearing: Hearing,
  signed: Signed,
): Promise<void> {
  const { em, server } = hearing;
  const receipt: Receipt = fromBinary(
    ReceiptSchema,
    openReceipt(signed, Buffer.from(server.publicKey ?? '', 'base64')),
  );
  if (receipt.agentId !== server.id || !session.matches(receipt))
    throw new Error('The receipt is not about what was sent.');
  if (session.pinged(receipt)) return;
  const order = await em.findOne(Order, { id: receipt.orderId, server: server.id });
  if (!order || order.state !== 'waiting') return;
  if (receipt.outcome === OrderOutcome.REFUSED && transient.has(receipt.code)) {
    hearing.afterCommit(() => session.again(order));
    return;
  }
  order.state = states[receipt.outcome] ?? 'unknown';
  order.code = receipt.code;
  order.message = receipt.message;
  order.doneAt = new Date();
  await parts.hears.orderEnd(hearing, order);
  hearing.afterCommit(() => {
    session.ended(order);
    parts.live.publish(orderTopic(order.id));
    void session.deliver();
  });
}

function hearingOf(
  parts: FleetParts,
  em: EntityManager,
  server: ServerRow,
  hooks: (() => void)[],
): Hearing {
  const { live } = parts;
  const { organization } = server;
  return {
    em,
    server,
    live,
    changed: (kind, id, name) =>
      hooks.push(() => live.publish(changesTopic(organization), { organization, kind, id, name })),
    afterCommit: (hook) => hooks.push(hook),
  };
}
