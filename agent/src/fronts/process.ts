import { join } from 'node:path';
import { readJson, writeJson } from '../engines/files.ts';
import { endProcess } from '../engines/processes.ts';
import { identify } from '../metrics/processes.ts';

/** The process that a front is, as it was started. */
export type FrontProcess = {
  readonly kind: string;
  readonly address: string;
  readonly pid: number;
  /** As `identify` gives it: a number that is used again is another process. */
  readonly identity: string;
};

/** The front's process of a state folder: noted, found again after the agent was restarted, never mistaken for another. */
export function frontProcess(folder: string) {
  const file = join(folder, 'process.json');
  const read = (): FrontProcess | undefined => {
    const noted = readJson(file) as FrontProcess | undefined;
    return noted && identify(noted.pid) === noted.identity ? noted : undefined;
  };
  return {
    read,
    note(kind: string, address: string, pid: number): void {
      writeJson(file, { kind, address, pid, identity: identify(pid) ?? '' } satisfies FrontProcess);
    },
    /** Has it read its configuration again. */
    hangUp(): void {
      const running = read();
      if (running) process.kill(running.pid, 'SIGHUP');
    },
    async end(): Promise<void> {
      const running = read();
      if (running) await endProcess(running.pid, running.identity);
    },
  };
}
