import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { execve, pid } from 'node:process';
import { identify } from '../metrics/processes.ts';
import type { RunSpec } from './engine.ts';
import { readJson, writeJson } from './files.ts';
import { startedFileOf, type Started } from './run-files.ts';

/*
 * The program that PM2 starts: it notes that it was started, then becomes the app, in the same process, with exactly the
 * environment of the spec. So PM2 never holds the app's secrets, and the app sees nothing of PM2's settings.
 */
const specFile = process.argv[2];
if (specFile === undefined) throw new Error('launch.ts takes the path of a spec file');
const spec = JSON.parse(readFileSync(specFile, 'utf8')) as RunSpec;
const [program, ...args] = spec.argv;
if (program === undefined || !execve)
  throw new Error(`cannot start a program from ${dirname(specFile)}`);

const before = readJson(startedFileOf(specFile)) as Started | undefined;
writeJson(startedFileOf(specFile), {
  pid,
  identity: identify(pid) ?? '',
  startedAtMs: Date.now(),
  starts: (before?.starts ?? 0) + 1,
} satisfies Started);
process.chdir(spec.cwd);
execve(program, [program, ...args], {
  ...spec.env,
  SERVERFLOW_APP: spec.appId,
  SERVERFLOW_RELEASE: String(spec.release),
});
