import { mkdirSync, readdirSync, rmSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Engine } from '../engines/engine.ts';
import { appFiles } from './app-files.ts';
import { appLog, type AppLog } from './app-log.ts';

/** How often every file is looked at even when no event said that it grew, in milliseconds. */
const LOOK_MS = 5000;
/** Chunks taken of one app before others have their turn, so that one that floods delays no other. */
const TURN_CHUNKS = 4;

/** Chunks taken of each app when the agent ends; the rest is taken when it runs again. */
const LAST_CHUNKS = 20;

/** The logs of all apps of this agent. */
export type AppLogs = {
  /** Adds a line of ServerFlow's own to an app's log. */
  say(appId: string, text: string): void;
  /** Settles when all lines that were there at the end are reported. */
  readonly done: Promise<void>;
};

/** What the logs need to know of the apps. */
export type AppLogsDeps = {
  readonly engine: Pick<Engine, 'list' | 'reopenLogs'>;
  /** Whether an app is known here; the log's place of one that is not is forgotten. */
  readonly isKnown: (appId: string) => boolean;
};

/** Follows the output of all apps until the signal, and reports it line by line. */
export function startAppLogs(
  context: Pick<Context, 'report' | 'redactor' | 'settings'>,
  { engine, isKnown }: AppLogsDeps,
  signal: AbortSignal,
): AppLogs {
  const root = join(context.settings.state, 'logs', 'apps');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const logs = new Map<string, { log: AppLog; watcher: FSWatcher | undefined }>();
  const awake = new Set<string>();
  let wake = () => {};

  function open(appId: string): AppLog {
    const known = logs.get(appId);
    if (known) return known.log;
    const folder = join(root, appId);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const log = appLog(context, appId, folder);
    const watcher = tryWatch(folder, (name) => {
      if (name.endsWith('.json') || name.endsWith('.new')) return;
      log.note(name);
      rouse(appId);
    });
    logs.set(appId, { log, watcher });
    return log;
  }

  function rouse(appId: string): void {
    awake.add(appId);
    wake();
  }

  /** Opens the logs of apps that are new, and looks at all of them. */
  function look(): void {
    for (const appId of folders(root)) {
      open(appId);
      awake.add(appId);
    }
    wake();
  }

  /** Takes from each app that has something new; one that has more than its turn comes again with the next. */
  async function takeAll(): Promise<void> {
    const turn = [...awake];
    awake.clear();
    for (const appId of turn) {
      const log = open(appId);
      let chunks = 0;
      while (chunks < TURN_CHUNKS && log.take()) chunks += 1;
      if (chunks === TURN_CHUNKS) awake.add(appId);
      await immediate();
    }
  }

  async function tidy(): Promise<void> {
    const runs = await engine.list();
    let mustReopen = false;
    for (const [appId, { log, watcher }] of logs) {
      const mine = new Set(
        runs.flatMap((run) => (run.appId === appId ? [`${run.release}.${run.instance}`] : [])),
      );
      if (log.tidy((run) => mine.has(run))) mustReopen = true;
      const folder = join(root, appId);
      if (mine.size === 0 && !isKnown(appId) && appFiles(folder).length === 0) {
        watcher?.close();
        logs.delete(appId);
        awake.delete(appId);
        rmSync(folder, { recursive: true, force: true });
      }
    }
    if (mustReopen) await engine.reopenLogs();
  }

  async function follow(): Promise<void> {
    const rootWatcher = tryWatch(root, look);
    while (!signal.aborted) {
      if (awake.size === 0) await new Promise<void>((resolve) => (wake = resolve));
      // Lines that come together are reported together.
      await sleep(context.settings.logBatchMs, undefined, { signal }).catch(() => undefined);
      await takeAll();
    }
    look();
    rootWatcher?.close();
    for (const { log, watcher } of logs.values()) {
      watcher?.close();
      for (let chunks = 0; chunks < LAST_CHUNKS && log.take();) chunks += 1;
    }
  }

  async function lookAround(): Promise<void> {
    while (!signal.aborted) {
      look();
      await tidy().catch((error: unknown) => console.error('logs could not be tidied:', error));
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
    wake();
  }

  const done = Promise.all([follow(), lookAround()]).then(() => undefined);
  return {
    say(appId, text) {
      open(appId).say(text);
      rouse(appId);
    },
    done,
  };
}

/** Watches a folder; where the system has no watches left, looking around has to do. */
function tryWatch(folder: string, changed: (name: string) => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, (_event, name) => changed(name ?? ''));
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

function folders(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}
