import { setTimeout as sleep } from 'node:timers/promises';
import { TurnedAway } from './door.ts';

/**
 * Looks at an interval, in milliseconds, whether a token still holds, until the signal aborts; calls onRevoked
 * once when it does not. A control plane that cannot answer at the moment revokes nothing.
 */
export function watchGrant(
  check: () => Promise<unknown>,
  intervalMs: number,
  signal: AbortSignal,
  onRevoked: () => void,
): void {
  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(intervalMs, undefined, { signal, ref: false });
      if (await isRevoked(check)) return onRevoked();
    }
  };
  // It rejects only when the signal ends its sleep.
  watch().catch(() => undefined);
}

async function isRevoked(check: () => Promise<unknown>): Promise<boolean> {
  try {
    await check();
    return false;
  } catch (error) {
    return error instanceof TurnedAway && (error.status === 401 || error.status === 403);
  }
}
