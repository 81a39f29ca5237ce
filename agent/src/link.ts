import { setTimeout as delay } from 'node:timers/promises';
import type { Signed } from '@serverflow/gen/grpc/serverflow/agent/v1/envelope';
import { openChannel, openStream, type Stream } from './channel.ts';
import { Complaint } from './complaint.ts';
import type { Settings } from './config.ts';
import { faultOf } from './faults.ts';
import type { Identity } from './identity.ts';
import { pump } from './pump.ts';
import { type Opening, type Session, shakeHands } from './session.ts';
import type { Spool } from './spool.ts';

/** What a link needs, and whom it tells. */
export type Link = {
  readonly settings: Settings;
  readonly identity: Identity;
  readonly spool: Spool;
  /** An order came; it must not hold up the stream. */
  readonly onOrder: (session: Session, order: Signed) => void;
  /** A session began. */
  readonly onConnected: () => void;
  /** A session or an attempt ended, and why. */
  readonly onDisconnected: (why: Complaint) => void;
};

/** Stays connected until the signal, for ever: from 1 to 30 s between attempts, with full jitter so that a fleet does not return at once. */
export async function keepLinked(link: Link, signal: AbortSignal): Promise<void> {
  const { reconnectMinMs, reconnectMaxMs } = link.settings;
  for (let attempt = 0; !signal.aborted; attempt++) {
    if (await connectOnce(link, signal)) attempt = 0;
    const ceiling = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.min(attempt, 20));
    await delay(Math.random() * ceiling, undefined, { signal }).catch(() => undefined);
  }
}

/** One connection from its first byte to its end; returns whether it became a session. Never throws. */
async function connectOnce(link: Link, signal: AbortSignal): Promise<boolean> {
  const client = openChannel(link.settings.controlPlane);
  const stream = openStream(client);
  const stop = (): void => stream.cancel();
  signal.addEventListener('abort', stop);
  let isSession = false;
  try {
    const opening = await shakeHands(link, stream);
    isSession = true;
    link.onConnected();
    await serve(link, stream, opening);
  } catch (error) {
    if (!signal.aborted) link.onDisconnected(faultOf(error, link.settings.controlPlane));
  } finally {
    signal.removeEventListener('abort', stop);
    stream.cancel();
    client.close();
  }
  return isSession;
}

/** Passes orders in and reports out until the stream ends; throws when it does. */
async function serve(
  { settings, spool, onOrder }: Link,
  stream: Stream,
  opening: Opening,
): Promise<void> {
  const { session, incoming, acknowledged } = opening;
  spool.resume(acknowledged);
  const ended = new AbortController();
  const alive = keepAlive(settings, stream, session);
  const sending = pump(spool, stream, acknowledged, ended.signal).catch((error: unknown) =>
    alive.fail(error),
  );
  try {
    for (;;) {
      const { done, value } = await incoming.next();
      if (done) throw new Complaint('ENDED', 'The control plane ended the connection.');
      alive.heard();
      if (value.message?.$case === 'order') onOrder(session, value.message.value);
      if (value.message?.$case === 'acknowledged') spool.acknowledge(Number(value.message.value));
    }
  } catch (error) {
    throw alive.reason() ?? error;
  } finally {
    ended.abort();
    alive.stop();
    await sending;
  }
}

/** Sends signs of life, and ends a stream from which none has come for too long: half-open connections look like that. */
function keepAlive(settings: Settings, stream: Stream, session: Session) {
  let lastHeardMs = performance.now();
  let reason: unknown;
  const fail = (why: unknown): void => {
    reason ??= why;
    stream.cancel();
  };
  const beat = (): void => {
    const timeMs = BigInt(session.now());
    stream.write({ message: { $case: 'heartbeat', value: { timeMs } } });
  };
  const watch = (): void => {
    const silentMs = Math.round(performance.now() - lastHeardMs);
    if (silentMs < settings.deadAfterMs) return;
    fail(
      new Complaint(
        'SILENT',
        `Nothing came from the control plane for ${silentMs} ms; connecting anew.`,
      ),
    );
  };
  const timers = [
    setInterval(beat, settings.heartbeatMs),
    setInterval(watch, Math.min(settings.heartbeatMs, settings.deadAfterMs / 4)),
  ];
  return {
    heard: () => void (lastHeardMs = performance.now()),
    fail,
    reason: () => reason,
    stop: () => timers.forEach(clearInterval),
  };
}
