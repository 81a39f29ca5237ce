/** How a followed stream is doing. */
export type FollowState = 'connecting' | 'live' | 'reconnecting' | 'paused' | 'ended' | 'failed';

/** The waits of a followed stream, in milliseconds. */
export interface FollowTimes {
  /** Silence longer than this is death; the control plane's heartbeat comes every 20 s. */
  silenceMs: number;
  /** The longest wait before the first new attempt; it doubles with each further one. */
  retryMs: number;
  /** The longest wait between two attempts. */
  retryMaxMs: number;
}

export const FOLLOW_TIMES: FollowTimes = { silenceMs: 45_000, retryMs: 1_000, retryMaxMs: 30_000 };

/** What to follow and whom to tell. */
export interface FollowSpec<M extends { cursor: string }> {
  /** Opens the stream after a cursor; empty means from the beginning that the method defines. */
  open: (cursor: string, signal: AbortSignal) => AsyncIterable<M>;
  /** Takes one message; true means that nothing comes after it. */
  take: (message: M) => boolean | void;
  /** Hears each change of state and, with each message, that the stream is live. */
  tell: (state: FollowState, error?: unknown) => void;
  /** Whether an error makes a further attempt pointless, such as a missing permission. */
  isFinal: (error: unknown) => boolean;
  /** Whether an error says that the cursor is not known any more; following then begins anew. */
  isCursorLost?: (error: unknown) => boolean;
  times?: Partial<FollowTimes>;
}

/** A stream being followed. */
export interface Following {
  /** Closes the stream and keeps its cursor; nothing is told but the state. */
  pause(): void;
  /** Goes on after the last message, at once, even out of a wait between attempts. */
  resume(): void;
  /** Ends it for good. */
  stop(): void;
}

/** Follows a stream by its cursor across errors, silence and pauses, so that no message is missed or taken twice. */
export function follow<M extends { cursor: string }>(spec: FollowSpec<M>): Following {
  const times = { ...FOLLOW_TIMES, ...spec.times };
  const life = { stopped: false, paused: false, wake: () => {}, attempt: new AbortController() };
  let cursor = '';
  let failures = 0;

  async function run() {
    spec.tell('connecting');
    while (!life.stopped) {
      if (life.paused) {
        spec.tell('paused');
        await sleep(Infinity);
        if (!life.stopped) spec.tell('connecting');
        continue;
      }
      if (await attempt()) return;
      if (life.stopped || life.paused) continue;
      spec.tell('reconnecting');
      // Full jitter: many tabs that lost the same control plane do not come back at the same moment.
      const longest = Math.min(times.retryMaxMs, times.retryMs * 2 ** failures++);
      await sleep(Math.random() * longest);
    }
  }

  // One stream from open to its end; true when there is nothing more to follow.
  async function attempt(): Promise<boolean> {
    const controller = (life.attempt = new AbortController());
    let silence = setTimeout(() => controller.abort(), times.silenceMs);
    try {
      for await (const message of spec.open(cursor, controller.signal)) {
        if (controller.signal.aborted) return false;
        clearTimeout(silence);
        silence = setTimeout(() => controller.abort(), times.silenceMs);
        cursor = message.cursor || cursor;
        failures = 0;
        spec.tell('live');
        if (spec.take(message)) {
          controller.abort();
          spec.tell('ended');
          return true;
        }
      }
    } catch (error) {
      if (controller.signal.aborted) return false;
      if (cursor && spec.isCursorLost?.(error)) cursor = '';
      else if (spec.isFinal(error)) {
        spec.tell('failed', error);
        return true;
      }
    } finally {
      clearTimeout(silence);
    }
    return false;
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === Infinity ? undefined : setTimeout(resolve, ms);
      life.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  void run();
  return {
    pause() {
      life.paused = true;
      life.attempt.abort();
      life.wake();
    },
    resume() {
      life.paused = false;
      life.wake();
    },
    stop() {
      life.stopped = true;
      life.attempt.abort();
      life.wake();
    },
  };
}
