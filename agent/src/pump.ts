import type { Stream } from './channel.ts';
import type { Spool } from './spool.ts';

/** Sends every report after a number, and each new one, until the signal; a slow control plane slows it, nothing else. */
export async function pump(
  spool: Spool,
  stream: Stream,
  after: number,
  signal: AbortSignal,
): Promise<void> {
  const reader = spool.reader(after);
  let wake = (): void => undefined;
  const wakeUp = (): void => wake();
  const asleep = (): Promise<void> => new Promise((done) => (wake = done));
  const stopListening = spool.onAppend(wakeUp);
  stream.on('drain', wakeUp);
  signal.addEventListener('abort', wakeUp);
  try {
    while (!signal.aborted) {
      const batch = reader.read();
      if (batch.length === 0) await asleep();
      for (const { bytes } of batch) {
        const hasRoom = stream.write({ report: bytes });
        while (!hasRoom && stream.writableNeedDrain && !signal.aborted) await asleep();
      }
    }
  } finally {
    stopListening();
    stream.off('drain', wakeUp);
    signal.removeEventListener('abort', wakeUp);
    reader.close();
  }
}
