import { setTimeout as sleep } from 'node:timers/promises';
import { identify } from '../metrics/processes.ts';

/** How long a process has between the first signal and SIGKILL, in milliseconds; the same as PM2 is told. */
const GRACE_MS = 5000;

/** Ends the process group that a process leads: SIGINT, then SIGKILL after 5 s. Does nothing when the number is another process's by now. */
export function endGroup(pid: number, identity: string): Promise<void> {
  return end(pid, identity, -pid, 'SIGINT');
}

/** Ends one process: SIGTERM, then SIGKILL after 5 s. Does nothing when the number is another process's by now. */
export function endProcess(pid: number, identity: string): Promise<void> {
  return end(pid, identity, pid, 'SIGTERM');
}

async function end(
  pid: number,
  identity: string,
  to: number,
  first: NodeJS.Signals,
): Promise<void> {
  for (const signal of [first, 'SIGKILL'] as const) {
    const deadline = Date.now() + GRACE_MS;
    if (identify(pid) !== identity) return;
    try {
      process.kill(to, signal);
    } catch {
      return;
    }
    while (identify(pid) === identity && Date.now() < deadline) await sleep(20);
  }
}
