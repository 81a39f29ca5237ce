import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pm2Ecosystem } from '../commands/pm2.ts';
import { identify, readProcess, readText } from '../metrics/processes.ts';
import type { Engine, Repair, Run, RunSpec, RunState } from './engine.ts';
import { writeJson, writeWhole } from './files.ts';
import { createLock } from './lock.ts';
import { pm2Daemon, type Pm2Options } from './pm2-daemon.ts';
import { endGroup } from './processes.ts';
import { runFiles, runKey } from './run-files.ts';

/** How long PM2 may take to run the launcher, in milliseconds. */
const LAUNCH_TIMEOUT_MS = 15_000;
/** How often PM2 is asked at most whether it still holds a program that is down, in milliseconds. */
const ASK_MS = 60_000;
/** Where the agent keeps its own compiled code. */
const COMPILE_CACHE = join(import.meta.dirname, '../../../node_modules/.cache/node');

/**
 * PM2 as a separate program, through its command line only. What should run is written in spec files, so that a killed
 * daemon or a reboot can be repaired; how it runs is read from what the launcher notes and from /proc, so that asking is cheap.
 */
export function pm2Engine(options: Pm2Options): Engine {
  const daemon = pm2Daemon(options);
  const files = runFiles(options.state);
  const lock = createLock();
  const exitCodes = new Map<string, number>();
  let askedAtMs = 0;

  const held = async (key: string) =>
    (await daemon.list()).filter((process) => process.labels.run === key);
  const isUp = () => daemon.pid() !== undefined;
  const isStopped = () => readText(files.stoppedFile) !== undefined;

  /** PM2's numbers for a run: from its pid file where the daemon is the parent of that process, else PM2 is asked. */
  async function pmIds(key: string): Promise<number[]> {
    const parent = daemon.pid();
    if (parent === undefined) return [];
    const noted = files.pmId(key);
    if (noted && readProcess(noted.pid)?.parent === parent) return [noted.pmId];
    return (await held(key)).map((process) => process.pmId);
  }

  /** Ends a run's processes, under the daemon or orphaned, and keeps its spec. */
  async function end(key: string): Promise<void> {
    for (const pmId of await pmIds(key)) await daemon.delete(pmId);
    const started = files.started(key);
    if (started && identify(started.pid) === started.identity)
      await endGroup(started.pid, started.identity);
  }

  async function launch(key: string, spec: RunSpec, signal?: AbortSignal): Promise<void> {
    files.forgetStarted(key);
    const logs = files.logFiles(spec.appId, spec.release, spec.instance);
    mkdirSync(dirname(logs.stdout), { recursive: true, mode: 0o700 });
    mkdirSync(dirname(files.pidFile(key)), { recursive: true, mode: 0o700 });
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
        // For the launcher alone, which hands nothing of this on: it starts twice as fast from compiled code.
        NODE_COMPILE_CACHE: COMPILE_CACHE,
      },
    };
    writeJson(files.ecosystemFile(key), pm2Ecosystem(app));
    await daemon.start(files.ecosystemFile(key), signal);
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
    if (!exitCodes.has(identity) && isUp()) {
      const code = await lock(() => held(key)).then(
        (found) => found[0]?.exitCode,
        () => undefined,
      );
      if (exitCodes.size > 1000) exitCodes.clear();
      if (code !== undefined) exitCodes.set(identity, code);
    }
    return exitCodes.get(identity);
  }

  async function repairAll(): Promise<Repair[]> {
    const keys = files.keys();
    if (keys.length === 0 || isStopped()) return [];
    const states = await Promise.all(keys.map(async (key) => ({ key, state: await measure(key) })));
    const isDaemonUp = isUp();
    if (isDaemonUp && states.every(({ state }) => state.up)) return [];
    // A program that crashes again and again is down most of the time; PM2 knows it and need not be asked each time.
    if (isDaemonUp && Date.now() - askedAtMs < ASK_MS) return [];
    askedAtMs = Date.now();
    return lock(async () => {
      const known = new Set((await daemon.list()).map((process) => process.labels.run));
      const repairs: Repair[] = [];
      for (const { key, state } of states) {
        const spec = files.read(key);
        if (!spec || known.has(key)) continue;
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
      if (isStopped())
        throw new Error('PM2 was stopped by an order; start it first (ControlService PM2 START)');
      await lock(async () => {
        if (files.read(key)) await end(key);
        const other = files
          .keys()
          .map(files.read)
          .find((each) => each && processName(each) === processName(spec));
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
      if (isUp()) await lock(() => daemon.reloadLogs());
    },
    async control(action) {
      if (action === 'reload') return this.reopenLogs();
      if (action !== 'start') {
        writeWhole(files.stoppedFile, 'by an order\n');
        await lock(async () => {
          if (isUp()) await daemon.kill();
          for (const key of files.keys()) await end(key);
        });
      }
      if (action === 'stop') return;
      rmSync(files.stoppedFile, { force: true });
      await repairAll();
    },
    status() {
      const version = daemon.version();
      const say = (running: boolean, detail: string) => Promise.resolve({ running, detail });
      if (version === undefined) return say(false, `PM2 cannot be run: ${options.pm2}`);
      if (isUp()) return say(true, `PM2 ${version}`);
      if (isStopped()) return say(false, `PM2 ${version}, stopped by an order`);
      const isNeeded = files.keys().length > 0;
      return say(false, `PM2 ${version}, ${isNeeded ? 'gone' : 'starts with the first app'}`);
    },
    repair: repairAll,
  };
}

/** PM2 takes a second start under one name for a restart, so a second instance needs a name of its own. */
function processName({ name, release, instance = 0 }: RunSpec): string {
  return instance === 0 ? `${name}.${release}` : `${name}.${release}.${instance}`;
}
