import { perform, recover } from './actions/perform.ts';
import { runCommand } from './cli.ts';
import { processEnvironment } from './config.ts';
import { startReporters } from './reporters.ts';

/** Runs the command line of this process until it ends by itself or by SIGTERM or SIGINT; returns the exit code. */
export function start(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  return runCommand(
    argv,
    { perform, recover, startReporters },
    {
      env: processEnvironment(),
      input: process.stdin,
      out: (line) => console.log(line),
      err: (line) => console.error(line),
      signal: stop.signal,
    },
  );
}
