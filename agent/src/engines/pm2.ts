import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine, identify, readText } from '../metrics/processes.ts';
import { run } from '../shell.ts';
import {
  parsePm2List,
  pm2Delete,
  pm2Ecosystem,
  pm2Env,
  pm2Kill,
  pm2List,
  pm2ReloadLogs,
  pm2Start,
  type Pm2Process,
} from '../commands/pm2.ts';
import type {
  Engine,
  Repair,
  Run,
  RunSpec,
  RunState,
  ServiceControl,
  ServiceHealth,
} from './engine.ts';
import { readJson, writeJson, writeWhole } from './files.ts';
import { createLock } from './lock.ts';
import { endGroup } from './processes.ts';
import { runFiles, runKey } from './run-files.ts';

/** How long one command of PM2 may take, in milliseconds; it takes about 0.6 s. */
const COMMAND_TIMEOUT_MS = 30_000;
/** How long PM2 may take to run the launcher, in milliseconds. */
const LAUNCH_TIMEOUT_MS = 15_000;
/** How often PM2 is asked at most whether it still holds a program that is down, in milliseconds. */
const ASK_MS = 60_000;
/** PM2 listens on unix sockets in its home; a path of theirs may have 107 characters. */
const HOME_LENGTH = 95;

/** Where the engine keeps its things, and which PM2 it runs. */
export type Pm2Options = {
  readonly state: string;
  /** PM2's program, as an absolute path. */
  readonly pm2: string;
};

/**
 * PM2 as a separate program, through its command line only. What should run is written in spec files, so that a killed
 * daemon or a reboot can be repaired; how it runs is read from what the launcher notes and from /proc, so that asking is cheap.
 */
export function pm2Engine(options: Pm2Options): Engine {
  const home = join(options.state, 'pm2');
  const files = runFiles(options.state);
  const lock = createLock();
  const exitCodes = new Map<string, number>();
  let version: string | undefined;
  let askedAtMs = 0;

  async function pm2(argv: string[], signal?: AbortSignal): Promise<string> {
    if (home.length > HOME_LENGTH) {
      throw new Error(
        `the state folder's path is too long for PM2's sockets: ${options.state}; choose one of at most 90 characters`,
      );
    }
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const path = `${join(process.execPath, '..')}:/usr/local/bin:/usr/bin:/bin`;
    const result = await run(argv, {
      cwd: home,
      env: pm2Env(home, path),
      timeoutMs: COMMAND_TIMEOUT_MS,
      signal,
      maxOutput: 64 * 1024 * 1024,
    });
    if (result.code === 0) return result.stdout;
    const said = (result.stderr || result.stdout).trim().slice(-2000);
    throw new Error(
      `pm2 ${argv[1] ?? ''} failed${result.isTimedOut ? ' (timed out)' : ''}: ${said}`,
    );
  }

  async function ours(key: string): Promise<Pm2Process[]> {
    const processes = parsePm2List(await pm2(pm2List(options.pm2)));
    return processes.filter((process) => process.labels.run === key);
  }

  /** Ends a run's processes, under the daemon or orphaned, and keeps its spec. */
  async function end(key: string): Promise<void> {
    if (daemonPid(home) !== undefined) {
      for (const process of await ours(key)) await pm2(pm2Delete(options.pm2, process.pmId));
    }
    const started = files.started(key);
    if (started && identify(started.pid) === started.identity)
      await endGroup(started.pid, started.identity);
  }

  async function launch(key: string, spec: RunSpec, signal?: AbortSignal): Promise<void> {
    files.forgetStarted(key);
    const logs = files.logFiles(spec.appId, spec.release, spec.instance);
    mkdirSync(join(logs.stdout, '..'), { recursive: true, mode: 0o700 });
    mkdirSync(join(files.pidFile(key), '..'), { recursive: true, mode: 0o700 });
    const app = {
      name: processName(spec),
      node: process.execPath,
      launcher: join(import.meta.dirname, 'launch.ts'),
      specFile: files.specFile(key),
      cwd: spec.cwd,
      ...logs,
      pidFile: files.pidFile(key),
      labels: {
        SERVERFLOW_APP: spec.appId,
        SERVERFLOW_RELEASE: String(spec.release),
        SERVERFLOW_RUN: key,
      },
    };
    writeJson(files.ecosystemFile(key), pm2Ecosystem(app));
    await pm2(pm2Start(options.pm2, files.ecosystemFile(key)), signal);
    const deadline = Date.now() + LAUNCH_TIMEOUT_MS;
    while (!files.started(key)) {
      if (Date.now() > deadline)
        throw new Error(`PM2 took ${app.name} and never ran it; see ${logs.stderr}`);
      await sleep(20, undefined, { signal });
    }
  }

  async function measure(key: string): Promise<RunState> {
    const started = files.started(key);
    if (!started) return { pid: 0, up: false, restarts: 0, startedAtMs: 0 };
    const known = { restarts: started.starts - 1, startedAtMs: started.startedAtMs };
    if (identify(started.pid) === started.identity) return { pid: started.pid, up: true, ...known };
    const exitCode = await exitCodeOf(key, started.identity);
    return { pid: 0, up: false, ...known, ...(exitCode === undefined ? {} : { exitCode }) };
  }

  /** The only fact that has to be asked of PM2; asked once for each process that died. */
  async function exitCodeOf(key: string, identity: string): Promise<number | undefined> {
    if (!exitCodes.has(identity) && daemonPid(home) !== undefined) {
      const code = await lock(() => ours(key)).then(
        (found) => found[0]?.exitCode,
        () => undefined,
      );
      if (exitCodes.size > 1000) exitCodes.clear();
      if (code !== undefined) exitCodes.set(identity, code);
    }
    return exitCodes.get(identity);
  }

  function refuseWhileStopped(): void {
    if (readText(files.stoppedFile) === undefined) return;
    throw new Error('PM2 was stopped by an order; start it first (ControlService PM2 START)');
  }

  async function repairAll(): Promise<Repair[]> {
    const keys = files.keys();
    if (keys.length === 0 || readText(files.stoppedFile) !== undefined) return [];
    const states = await Promise.all(keys.map(async (key) => ({ key, state: await measure(key) })));
    const isDaemonUp = daemonPid(home) !== undefined;
    if (isDaemonUp && states.every(({ state }) => state.up)) return [];
    // A program that crashes again and again is down most of the time; PM2 knows it and need not be asked each time.
    if (isDaemonUp && Date.now() - askedAtMs < ASK_MS) return [];
    askedAtMs = Date.now();
    return lock(async () => {
      const held = new Set(
        parsePm2List(await pm2(pm2List(options.pm2))).map((process) => process.labels.run),
      );
      const repairs: Repair[] = [];
      for (const { key, state } of states) {
        const spec = files.read(key);
        if (!spec || held.has(key)) continue;
        const what = state.up
          ? `PM2 was gone and had left release ${spec.release} without a keeper`
          : `release ${spec.release} was lost, as after a reboot or when PM2 was killed`;
        try {
          if (state.up) await end(key);
          await launch(key, spec);
          repairs.push({ appId: spec.appId, said: `${what}; it was started again` });
        } catch (error) {
          repairs.push({ appId: spec.appId, said: `${what}, and did not start: ${String(error)}` });
        }
      }
      return repairs;
    });
  }

  return {
    async start(spec, signal) {
      const key = runKey(spec.appId, spec.release, spec.instance);
      refuseWhileStopped();
      await lock(async () => {
        if (files.read(key)) await end(key);
        const other = files
          .keys()
          .map(files.read)
          .find((held) => held && processName(held) === processName(spec));
        if (other && other.appId !== spec.appId) {
          throw new Error(`another app is named ${spec.name} on this server; rename one of them`);
        }
        files.write(key, spec);
        try {
          await launch(key, spec, signal);
        } catch (error) {
          await end(key).catch(() => undefined);
          files.remove(key);
          throw error;
        }
      });
    },
    async stop(appId, release, instance) {
      const key = runKey(appId, release, instance);
      await lock(async () => {
        if (!files.read(key)) return;
        await end(key);
        files.remove(key);
      });
    },
    async state(appId, release, instance) {
      const key = runKey(appId, release, instance);
      return files.read(key) ? measure(key) : undefined;
    },
    async list() {
      const runs = files.keys().map(async (key): Promise<Run[]> => {
        const spec = files.read(key);
        if (!spec) return [];
        const { appId, name, release, port, instance = 0 } = spec;
        return [{ appId, name, release, instance, port, state: await measure(key) }];
      });
      return (await Promise.all(runs)).flat();
    },
    logFiles: files.logFiles,
    async reopenLogs() {
      if (daemonPid(home) !== undefined) await lock(() => pm2(pm2ReloadLogs(options.pm2)));
    },
    async control(action: ServiceControl) {
      if (action === 'reload') return this.reopenLogs();
      if (action !== 'start') {
        writeWhole(files.stoppedFile, 'by an order\n');
        await lock(async () => {
          if (daemonPid(home) !== undefined) await pm2(pm2Kill(options.pm2));
          for (const key of files.keys()) await end(key);
        });
      }
      if (action === 'stop') return;
      rmSync(files.stoppedFile, { force: true });
      await repairAll();
    },
    async status(): Promise<ServiceHealth> {
      version ??= pm2Version(options.pm2);
      if (version === undefined)
        return { running: false, detail: `PM2 cannot be run: ${options.pm2}` };
      if (daemonPid(home) !== undefined) return { running: true, detail: `PM2 ${version}` };
      if (readText(files.stoppedFile) !== undefined)
        return { running: false, detail: `PM2 ${version}, stopped by an order` };
      const isNeeded = files.keys().length > 0;
      return {
        running: false,
        detail: `PM2 ${version}, ${isNeeded ? 'gone' : 'starts with the first app'}`,
      };
    },
    repair: repairAll,
  };
}

/** PM2 takes a second start under one name for a restart, so a second instance needs a name of its own. */
function processName({ name, release, instance = 0 }: RunSpec): string {
  return instance === 0 ? `${name}.${release}` : `${name}.${release}.${instance}`;
}

/** The running daemon of a PM2 home, known by its command line; a pid file alone may name a foreign process. */
function daemonPid(home: string): number | undefined {
  const pid = Number(readText(join(home, 'pm2.pid')) ?? 0);
  return pid > 0 && commandLine(pid).includes(`God Daemon (${home})`) ? pid : undefined;
}

/** PM2's version from its own package.json: asking the program would start its daemon. Undefined when PM2 is not there. */
function pm2Version(pm2: string): string | undefined {
  try {
    const about = readJson(join(realpathSync(pm2), '../../package.json')) as { version?: string };
    return about.version;
  } catch {
    return undefined;
  }
}
