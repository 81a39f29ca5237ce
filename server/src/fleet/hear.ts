import { setImmediate as turn } from 'node:timers/promises';
import type { ConnectRequest } from '@serverflow/gen/es/serverflow/agent/v1/agent_service_pb';
import type { Report } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { notAccepted } from './handshake.ts';
import type { FleetParts } from './parts.ts';
import { takeReports } from './reports.ts';
import type { Session } from './session.ts';

/** How many reports one transaction takes at the most. */
const batch = 200;

/** What ends a session from which nothing came for too long. */
export class Silence extends Error {
  override readonly name = 'Silence';
}

/**
 * Hears an agent until its stream or its session ends: reports that came meanwhile are taken together, and acknowledged. Throws Silence after
 * config.deadAfterMs without anything, Gap for a report that is missing.
 */
export async function hear(
  parts: FleetParts,
  session: Session,
  incoming: AsyncIterator<ConnectRequest>,
): Promise<void> {
  const waiting: Report[] = [];
  let taking: Promise<void> | undefined;
  let fault: unknown;
  const take = async () => {
    // A commit holds the loop up; a turn of it first, so that what has arrived by then shares the transaction.
    for (await turn(); waiting.length > 0 && !session.signal.aborted; await turn()) {
      const acknowledged = await takeReports(parts, session, waiting.splice(0, batch));
      session.push({ case: 'acknowledged', value: BigInt(acknowledged) });
    }
    // In the same breath as the last look, or a report that comes between would wait for the next message.
    taking = undefined;
  };
  const fail = (thrown: unknown) => {
    fault = thrown;
    session.end();
  };
  try {
    for (;;) {
      const next = await nextWithin(incoming, parts.config.deadAfterMs, session.signal);
      if (fault !== undefined) throw fault;
      if (next === undefined) return;
      if (next.message.case === 'report') waiting.push(next.message.value);
      else if (next.message.case !== 'heartbeat') throw notAccepted();
      if (waiting.length > 0) taking ??= take().catch(fail);
      // An agent that reports faster than the disk takes it waits here, and so does its stream.
      if (waiting.length >= batch) await taking;
    }
  } finally {
    session.end();
    await taking;
  }
}

/** The next message; undefined where the stream or the session ends. */
async function nextWithin(
  incoming: AsyncIterator<ConnectRequest>,
  ms: number,
  signal: AbortSignal,
): Promise<ConnectRequest | undefined> {
  const cleanUp = new AbortController();
  const silence = new Promise<never>((_, reject) => {
    const timer = setTimeout(
      () => reject(new Silence(`Nothing came from the agent for ${ms} ms.`)),
      ms,
    );
    cleanUp.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
  const over = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), {
      once: true,
      signal: cleanUp.signal,
    });
  });
  const next = incoming.next();
  next.catch(() => {});
  try {
    const result = await Promise.race([next, over, silence]);
    return result === undefined || result.done ? undefined : result.value;
  } finally {
    cleanUp.abort();
  }
}
