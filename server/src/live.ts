import type { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';

/** That a thing of an organization changed. Tables are the truth: whoever hears it reads them again. */
export type Change = {
  readonly organization: string;
  readonly kind: ThingKind;
  readonly id: string;
  readonly name: string;
};

/** Topics in memory: what changed (`changes`), and that a log, an audit or a metric grew (`topic` strings such as log:app_…). */
export type Live = {
  readonly publish: (topic: string, change?: Change) => void;
  /**
   * Hears topics as a bounded async iterable; it ends with the signal. A slow reader never holds a writer up:
   * past the bound the oldest wait is dropped and the next value says so with missed.
   */
  readonly subscribe: (topics: readonly string[], signal: AbortSignal) => AsyncIterable<Heard>;
};

/** One or more publications since the reader last came by. */
export type Heard = { readonly changes: readonly Change[]; readonly missed: boolean };

const bound = 256;

/** The topic of every change of an organization. */
export function changesTopic(organization: string): string {
  return `changes:${organization}`;
}

/** Makes the topics of one instance. */
export function createLive(): Live {
  const topics = new Map<string, Set<Reader>>();
  return {
    publish(topic, change) {
      for (const reader of topics.get(topic) ?? []) reader.hear(change);
    },
    subscribe(names, signal) {
      const reader = new Reader();
      for (const name of names) topics.set(name, (topics.get(name) ?? new Set()).add(reader));
      const leave = () => {
        for (const name of names) {
          const readers = topics.get(name);
          readers?.delete(reader);
          if (readers?.size === 0) topics.delete(name);
        }
        reader.end();
      };
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
      return reader.values(() => {
        signal.removeEventListener('abort', leave);
        leave();
      });
    },
  };
}

class Reader {
  #changes: Change[] = [];
  #heard = false;
  #missed = false;
  #ended = false;
  #wake: (() => void) | undefined;

  hear(change: Change | undefined): void {
    this.#heard = true;
    if (change) {
      if (this.#changes.length >= bound) {
        this.#changes = [];
        this.#missed = true;
      }
      this.#changes.push(change);
    }
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *values(leave: () => void): AsyncIterable<Heard> {
    try {
      for (;;) {
        if (this.#heard) {
          const heard = { changes: this.#changes, missed: this.#missed };
          [this.#changes, this.#heard, this.#missed] = [[], false, false];
          yield heard;
        } else if (this.#ended) {
          return;
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
          this.#wake = undefined;
        }
      }
    } finally {
      leave();
    }
  }
}
