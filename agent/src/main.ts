#!/usr/bin/env node
import { perform, recover } from './actions/perform.ts';
import { runCommand } from './cli.ts';
import { processEnvironment } from './config.ts';
import { startReporters } from './reporters.ts';

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());

process.exitCode = await runCommand(
  process.argv.slice(2),
  { perform, recover, startReporters },
  {
    env: processEnvironment(),
    input: process.stdin,
    out: (line) => console.log(line),
    err: (line) => console.error(line),
    signal: stop.signal,
  },
);
