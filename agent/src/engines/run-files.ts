import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../metrics/processes.ts';
import type { LogFiles, RunSpec } from './engine.ts';
import { readJson, writeJsonDurably } from './files.ts';

/** What the launcher notes each time it starts a run. */
export type Started = {
  readonly pid: number;
  /** As `identify` gives it. */
  readonly identity: string;
  readonly startedAtMs: number;
  /** How often the run was started, this time included. */
  readonly starts: number;
};

/** Names a run in files and labels; throws when a part of it could leave the folder. */
export function runKey(appId: string, release: number, instance = 0): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(appId))
    throw new Error(`not an app's id: ${appId.slice(0, 80)}`);
  if (!Number.isSafeInteger(release) || release < 0) throw new Error(`not a release: ${release}`);
  if (!Number.isSafeInteger(instance) || instance < 0)
    throw new Error(`not an instance: ${instance}`);
  return `${appId}.${release}.${instance}`;
}

/** The files of an engine under `<state>`: what should run, and what was started. */
export function runFiles(state: string) {
  const specs = join(state, 'engine', 'specs');
  const pids = join(state, 'engine', 'pids');
  const specFile = (key: string) => join(specs, `${key}.json`);
  const startedFile = (key: string) => startedFileOf(specFile(key));
  return {
    specFile,
    ecosystemFile: (key: string) => join(state, 'engine', 'pm2', `${key}.json`),
    stoppedFile: join(state, 'engine', 'stopped'),
    pidFile: (key: string) => join(pids, `${key}.pid`),
    /** PM2 puts its number for a run into the name of the pid file, which it deletes when the process ends. */
    pmId(key: string): { pmId: number; pid: number } | undefined {
      const names = namesIn(pids).filter((name) => name.startsWith(`${key}-`));
      const pmId = /-(\d+)\.pid$/.exec(names[0] ?? '')?.[1];
      if (names.length !== 1 || pmId === undefined) return undefined;
      return { pmId: Number(pmId), pid: Number(readText(join(pids, names[0] as string)) ?? 0) };
    },
    write: (key: string, spec: RunSpec) => writeJsonDurably(specFile(key), spec),
    read: (key: string) => readJson(specFile(key)) as RunSpec | undefined,
    started: (key: string) => readJson(startedFile(key)) as Started | undefined,
    forgetStarted: (key: string) => rmSync(startedFile(key), { force: true }),
    keys: () => keysIn(specs),
    remove(key: string) {
      const stale = namesIn(pids).filter((name) => name.startsWith(`${key}-`));
      for (const name of stale) rmSync(join(pids, name), { force: true });
      for (const path of [specFile(key), startedFile(key), this.ecosystemFile(key)])
        rmSync(path, { force: true });
    },
    logFiles(appId: string, release: number, instance = 0): LogFiles {
      const [, ...rest] = runKey(appId, release, instance).split('.');
      const base = join(state, 'logs', 'apps', appId, rest.join('.'));
      return { stdout: `${base}.out.log`, stderr: `${base}.err.log` };
    },
  };
}

/** Where the launcher notes that it started the run of a spec file. */
export function startedFileOf(specFile: string): string {
  return specFile.replace(/\.json$/, '.started');
}

function keysIn(folder: string): string[] {
  return namesIn(folder).flatMap((name) =>
    name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : [],
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
