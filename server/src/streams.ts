import type { Call } from './guard/call.ts';
import type { Change } from './live.ts';

/** What one reading of a stream's tables gives: a message to send, or nothing new; `done` ends the stream after it, `more` reads again at once. */
export type Reading<T> = {
  readonly message: T | undefined;
  readonly done?: boolean;
  readonly more?: boolean;
};

/**
 * The loop of every stream. `read(why)` looks into the tables and answers what is new: it is asked at once ("first"), on each
 * publication of the topics ("wake"), and, after `heartbeatMs` of silence ("heartbeat", when it must answer a message that repeats
 * the last one or is empty). `missed` tells that publications were dropped because the reader was slow. Ends with the call's signal.
 */
export async function* follow<T>(
  call: Call,
  topics: readonly string[],
  read: (
    why: 'first' | 'wake' | 'heartbeat',
    heard: { changes: readonly HeardChange[]; missed: boolean },
  ) => Promise<Reading<T>>,
): AsyncIterable<T> {
  const { heartbeatMs } = call.parts.config;
  const stop = new AbortController();
  const signal = AbortSignal.any([call.signal, stop.signal]);
  const heard = call.live.subscribe(topics, signal)[Symbol.asyncIterator]();
  try {
    let next = heard.next();
    let reading = await read('first', quiet);
    for (;;) {
      if (reading.message !== undefined) yield reading.message;
      if (reading.done || signal.aborted) return;
      if (reading.more) {
        reading = await read('wake', quiet);
        continue;
      }
      const woken = await within(next, heartbeatMs);
      if (woken === 'silence') {
        reading = await read('heartbeat', quiet);
      } else if (woken.done) {
        return;
      } else {
        next = heard.next();
        reading = await read('wake', woken.value);
      }
    }
  } finally {
    stop.abort();
  }
}

type HeardChange = Change;
const quiet = { changes: [], missed: false } as const;

async function within<T>(promise: Promise<T>, ms: number): Promise<T | 'silence'> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<'silence'>((resolve) => (timer = setTimeout(resolve, ms, 'silence')));
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}
