import { readFileSync, rmSync } from 'node:fs';
import { endGroup } from '../engines/processes.ts';
import { identify } from '../metrics/processes.ts';
import { run, type RunOptions } from '../shell.ts';
import { writeDurably } from '../files.ts';
import type { Layout } from './layout.ts';
import type { Ended, Watch } from './verb.ts';

/** How much of a command's output an answer holds, in characters. */
const OUTPUT_LENGTH = 64 * 1024;

/** Runs one command of an app; its process group is noted while it runs, so that one which outlives the agent can be ended. */
export async function command(
  place: Layout,
  argv: readonly string[],
  options: Pick<RunOptions, 'cwd' | 'env' | 'timeoutMs'>,
  watch: Watch,
): Promise<Ended> {
  let output = '';
  const result = await run(argv, {
    ...options,
    signal: watch.signal,
    maxOutput: OUTPUT_LENGTH,
    onSpawn: (pid) =>
      writeDurably(place.running, JSON.stringify({ pid, identity: identify(pid) ?? '' })),
    onLine: (stream, line) => {
      output = `${output}${line}\n`.slice(-OUTPUT_LENGTH);
      watch.onLine?.(stream, line);
    },
  });
  rmSync(place.running, { force: true });
  if (result.isAborted) throw new DOMException('The command was ended.', 'AbortError');
  return {
    isDone: result.code === 0,
    code: result.code,
    isTimedOut: result.isTimedOut,
    // What could not be started said nothing; the reason stands in its error output alone.
    output: output === '' ? result.stderr : output,
  };
}

/** Ends the process group of a command that outlived the agent; a process that is another one by now is left alone. */
export async function endLeftovers(place: Layout): Promise<void> {
  let noted: { pid: number; identity: string };
  try {
    noted = JSON.parse(readFileSync(place.running, 'utf8'));
  } catch {
    return;
  }
  await endGroup(noted.pid, noted.identity);
  rmSync(place.running, { force: true });
}
