import { setTimeout as sleep } from 'node:timers/promises';
import { identify } from '../metrics/processes.ts';

/** How long a group has between SIGINT and SIGKILL, in milliseconds; the same as PM2 is told. */
const GRACE_MS = 5000;

/** Ends the process group that a process leads: SIGINT, then SIGKILL after 5 s. Does nothing when the process is another one by now. */
export async function endGroup(pid: number, identity: string): Promise<void> {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const deadline = Date.now() + GRACE_MS;
    if (identify(pid) !== identity) return;
    try {
      process.kill(-pid, signal);
    } catch {
      return;
    }
    while (identify(pid) === identity && Date.now() < deadline) await sleep(20);
  }
}
