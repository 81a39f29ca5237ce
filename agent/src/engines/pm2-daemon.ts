import { mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  parsePm2List,
  pm2Delete,
  pm2Env,
  pm2Kill,
  pm2List,
  pm2ReloadLogs,
  pm2Start,
  type Pm2Process,
} from '../commands/pm2.ts';
import { commandLine, readText } from '../metrics/processes.ts';
import { run } from '../shell.ts';
import { readJson } from './files.ts';

/** How long one command of PM2 may take, in milliseconds; it takes about 0.6 s. */
const COMMAND_TIMEOUT_MS = 30_000;
/** PM2 listens on unix sockets in its home; a path of theirs may have 107 characters. */
const HOME_LENGTH = 95;

/** Where the engine keeps its things, and which PM2 it runs. */
export type Pm2Options = {
  readonly state: string;
  /** PM2's program, as an absolute path. */
  readonly pm2: string;
};

/** PM2's daemon of one home, `<state>/pm2`; every command but these two starts it where it does not run. */
export type Pm2Daemon = {
  /** Its process id; undefined when it does not run. */
  pid(): number | undefined;
  /** From PM2's own package.json: asking the program would start the daemon. Undefined when PM2 is not there. */
  version(): string | undefined;
  list(): Promise<Pm2Process[]>;
  start(ecosystemFile: string, signal?: AbortSignal): Promise<void>;
  delete(pmId: number): Promise<void>;
  reloadLogs(): Promise<void>;
  kill(): Promise<void>;
};

/** PM2 by its command line; each command throws with what PM2 said when it fails. */
export function pm2Daemon({ state, pm2 }: Pm2Options): Pm2Daemon {
  const home = join(state, 'pm2');
  let version: string | undefined;

  async function command(argv: string[], signal?: AbortSignal): Promise<string> {
    if (home.length > HOME_LENGTH) {
      throw new Error(
        `the state folder's path is too long for PM2's sockets: ${state}; choose one of at most 90 characters`,
      );
    }
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const result = await run(argv, {
      cwd: home,
      env: pm2Env(home, `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`),
      timeoutMs: COMMAND_TIMEOUT_MS,
      signal,
      maxOutput: 64 * 1024 * 1024,
    });
    if (result.code === 0) return result.stdout;
    const said = (result.stderr || result.stdout).trim().slice(-2000);
    const why = result.isTimedOut ? ' (timed out)' : '';
    throw new Error(`pm2 ${argv[1] ?? ''} failed${why}: ${said}`);
  }

  return {
    pid() {
      // The pid file alone may name a foreign process; the daemon's title names its home.
      const pid = Number(readText(join(home, 'pm2.pid')) ?? 0);
      return pid > 0 && commandLine(pid).includes(`God Daemon (${home})`) ? pid : undefined;
    },
    version: () => (version ??= versionOf(pm2)),
    list: async () => parsePm2List(await command(pm2List(pm2))),
    start: async (file, signal) => void (await command(pm2Start(pm2, file), signal)),
    delete: async (pmId) => void (await command(pm2Delete(pm2, pmId))),
    reloadLogs: async () => void (await command(pm2ReloadLogs(pm2))),
    kill: async () => void (await command(pm2Kill(pm2))),
  };
}

function versionOf(pm2: string): string | undefined {
  try {
    const about = readJson(join(realpathSync(pm2), '../../package.json')) as { version?: string };
    return about.version;
  } catch {
    return undefined;
  }
}
