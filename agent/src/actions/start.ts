import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, isAbsolute, join } from 'node:path';
import type { RunSpec } from '../engines/engine.ts';
import { toolPath } from '../verbs/execute.ts';
import { layout } from '../verbs/layout.ts';
import type { Desk } from './deployment.ts';
import { fail, isAbort } from './failure.ts';
import type { Release, Serving } from './record.ts';
import { openVariables } from './variables.ts';

/** How much of an app's output is looked at for evidence, in bytes. */
const EVIDENCE_BYTES = 8 * 1024;

/** A process that was started for a release, and where its output began. */
export type Process = {
  readonly appId: string;
  readonly run: Serving;
  readonly pid: number;
  /** What it has said since it was started, the end of it, unredacted. */
  readonly output: () => string;
};

/** Starts a release on a port, beside whatever runs; it is not asked yet whether it is healthy. */
export async function startProcess(
  desk: Desk,
  name: string,
  release: Release,
  run: Serving,
  signal: AbortSignal,
): Promise<Process> {
  const { engine } = desk.machine;
  const { appId } = release;
  const spec = specOf(desk, name, release, run);
  const files = engine.logFiles(appId, run.release, run.instance);
  const begins = { stdout: sizeOf(files.stdout), stderr: sizeOf(files.stderr) };
  const output = () =>
    `${endOf(files.stdout, begins.stdout)}\n${endOf(files.stderr, begins.stderr)}`;
  try {
    await desk.execute({ verb: 'start process', spec }, { signal });
  } catch (error) {
    if (isAbort(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    fail('ENGINE_FAILED', `PM2 did not start the app: ${message}`, { evidence: [output()] });
  }
  const state = await engine.state(appId, run.release, run.instance);
  return { appId, run, pid: state?.pid ?? 0, output };
}

/** Takes up a process that was started before the agent was. */
export async function findProcess(
  desk: Desk,
  appId: string,
  run: Serving,
): Promise<Process | undefined> {
  const { engine } = desk.machine;
  const state = await engine.state(appId, run.release, run.instance);
  if (state?.up !== true) return undefined;
  const files = engine.logFiles(appId, run.release, run.instance);
  const output = () => `${endOf(files.stdout, 0)}\n${endOf(files.stderr, 0)}`;
  return { appId, run, pid: state.pid, output };
}

/** Finds a port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

function specOf({ context }: Desk, name: string, release: Release, run: Serving): RunSpec {
  const { settings } = context;
  const { appId, running } = release;
  if (running?.kind !== 'node') throw new Error(`release ${release.release} is no Node app`);
  const place = layout(settings.apps, appId);
  const cwd = join(place.tree(run.release), release.directory);
  const variables = openVariables(context, appId, run.release);
  const bin = join(cwd, 'node_modules', '.bin');
  return {
    appId,
    name,
    release: run.release,
    instance: run.instance,
    cwd,
    argv: absolute(running.argv, cwd, settings.programs),
    env: {
      PATH: [bin, toolPath(settings.programs.node, settings.searchPath)].join(delimiter),
      HOME: place.home,
      LANG: 'C.UTF-8',
      NODE_ENV: 'production',
      ...running.env,
      ...variables,
      PORT: String(run.port),
      HOST: '127.0.0.1',
    },
    port: run.port,
  };
}

function absolute(
  [program = '', ...rest]: readonly string[],
  cwd: string,
  programs: { node: string; npm: string },
): string[] {
  if (program === 'node') return [programs.node, ...rest];
  if (program === 'npm') return [programs.npm, ...rest];
  return [isAbsolute(program) ? program : join(cwd, program), ...rest];
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** The end of a file from an offset on; from its beginning when it has become shorter, and nothing when it is missing. */
function endOf(path: string, offset: number): string {
  const size = sizeOf(path);
  const from = Math.max(size < offset ? 0 : offset, size - EVIDENCE_BYTES);
  if (size <= from) return '';
  const buffer = Buffer.alloc(size - from);
  const file = openSync(path, 'r');
  try {
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, from));
  } finally {
    closeSync(file);
  }
}
