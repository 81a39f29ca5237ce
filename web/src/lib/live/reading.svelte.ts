import type { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { problemOf, type Problem } from '#lib/api/problem.ts';
import { onChange } from './changes.svelte.ts';

/** Changes that come within this many milliseconds cause one reading. */
const GATHER_MS = 120;

/** What was read last, and what went wrong since. */
export class Reading<T> {
  value = $state.raw<T>();
  problem = $state.raw<Problem>();
  #read: ((signal: AbortSignal) => Promise<T>) | undefined;
  #current = new AbortController();

  /** Reads with this function from now on; an answer that was overtaken is dropped. */
  async begin(read: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.#read = read;
    this.#current.abort();
    const { signal } = (this.#current = new AbortController());
    try {
      const value = await read(signal);
      if (signal.aborted) return;
      this.value = value;
      this.problem = undefined;
    } catch (error) {
      if (!signal.aborted) this.problem = problemOf(error);
    }
  }

  /** Reads once more, and keeps showing the old value meanwhile. */
  async again(): Promise<void> {
    if (this.#read) await this.begin(this.#read);
  }

  stop() {
    this.#current.abort();
  }
}

/** Reads when the component appears, when what read looks at changes, and when a thing of these kinds does. */
export function useReading<T>(
  read: (signal: AbortSignal) => Promise<T>,
  kinds: readonly ThingKind[] = [],
): Reading<T> {
  const reading = new Reading<T>();
  $effect(() => {
    void reading.begin(read);
    return () => reading.stop();
  });
  $effect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const off = onChange(kinds, () => {
      clearTimeout(timer);
      timer = setTimeout(() => void reading.again(), GATHER_MS);
    });
    return () => {
      clearTimeout(timer);
      off();
    };
  });
  return reading;
}
