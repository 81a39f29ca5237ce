import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The CPU time that the threads of a process have used, in milliseconds (schedstat of each thread, in nanoseconds). */
export function cpuMs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const used = readdirSync(tasks).map((id) =>
    Number(readFileSync(`${tasks}/${id}/schedstat`, 'latin1').split(' ')[0]),
  );
  return used.reduce((sum, each) => sum + each, 0) / 1e6;
}

/** The resident memory of a process, in MB of 10^6 bytes. */
export function residentMb(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return (Number(kib) * 1024) / 1e6;
}

/** The children of a process whose command line holds a text. */
export function childrenOf(pid: number, text: string): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
    .split(' ')
    .filter((id) => id && readFileSync(`/proc/${id}/cmdline`, 'latin1').includes(text))
    .map(Number);
}

/** A small program of this folder, or a text of one, that says a line on standard output when it is ready. */
export type Program = {
  readonly pid: number;
  readonly said: string;
  readonly end: () => Promise<void>;
};

/** Starts Node with arguments and waits for the first line; throws when the program ends before it. */
export async function startNode(...argv: string[]): Promise<Program> {
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.split('\n')[0] ?? '');
    });
    child.once('exit', (code) => reject(new Error(`${argv[0]} ended with ${code}.`)));
  });
  return { pid: child.pid ?? 0, said, end: () => ended(child) };
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
