import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceControl, ServiceHealth } from '../engines/engine.ts';
import { readJson, writeJsonDurably, writeWhole } from '../engines/files.ts';
import { createLock } from '../engines/lock.ts';
import { spawnDetached } from '../shell.ts';
import type { Front, Site } from './front.ts';
import { checkSite } from './grammar.ts';
import { becomesLive, readGeneration, type Listen } from './live.ts';
import { frontProcess } from './process.ts';

/** How long a front may take until it serves a new configuration, in milliseconds. */
const LIVE_TIMEOUT_MS = 15_000;

/** All sites that a front serves, numbered so that it can be asked which ones it has taken up. */
export type Sites = { readonly generation: number; readonly sites: readonly Site[] };

/** What differs between the fronts: a program that reads files, and reads them again at SIGHUP. */
export type Program = {
  readonly kind: Front['kind'];
  /** Writes the files the program reads, and has them checked where it can; throws when they are refused. */
  write(sites: Sites): Promise<void>;
  argv(): string[];
  version(): Promise<string>;
  /** Ends what a killed process of it left behind and would hold the address. */
  sweep(): Promise<void>;
  /** Process ids of those that still take requests with the configuration read last; a front without workers has none. */
  workers(pid: number): readonly number[];
  /** Why it did not start, from its own log; empty when it does not say. */
  lastWords(): string;
};

/**
 * A front over a program. `<state>/front/sites.json` is the truth for whichever program runs, so that one can take over
 * from the other; the program's own files are made from it.
 */
export function siteFront(state: string, listen: Listen, program: Program): Front {
  const folder = join(state, 'front');
  const stoppedFile = join(folder, 'stopped');
  const address = `${listen.host}:${listen.port}`;
  const lock = createLock();
  const running = frontProcess(folder);
  const read = (): Sites =>
    (readJson(join(folder, 'sites.json')) as Sites | undefined) ?? { generation: 0, sites: [] };
  const isOurs = () => {
    const found = running.read();
    return found?.kind === program.kind && found.address === address;
  };

  /** Makes sites live: on disk, then in the process, which is started where it does not run. */
  async function publish(sites: readonly Site[]): Promise<void> {
    const next = { generation: read().generation + 1, sites };
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await program.write(next);
    writeJsonDurably(join(folder, 'sites.json'), next);
    const serving = isOurs() ? running.read() : undefined;
    const old = serving ? program.workers(serving.pid) : [];
    if (serving) running.hangUp();
    else await start();
    const isLive = await becomesLive(listen, next.generation, {
      timeoutMs: LIVE_TIMEOUT_MS,
      isOver: () => !isOurs(),
      // A worker of the old configuration may take a request after one of the new has answered.
      isSettled: () => !program.workers(serving?.pid ?? 0).some((pid) => old.includes(pid)),
    });
    if (!isLive) {
      throw new Error(
        `the front (${program.kind}) does not answer at ${address}. ${program.lastWords()}`.trim(),
      );
    }
  }

  async function start(): Promise<void> {
    await running.end();
    await program.sweep();
    const pid = await spawnDetached(program.argv(), {
      cwd: folder,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      logFile: join(folder, `${program.kind}.log`),
    });
    running.note(program.kind, address, pid);
  }

  /** Publishes a change; when that fails, what was there before is published again. */
  async function change(edit: (sites: readonly Site[]) => readonly Site[]): Promise<void> {
    if (existsSync(stoppedFile)) {
      throw new Error(
        'the front was stopped by an order; start it first (ControlService FRONT START)',
      );
    }
    await lock(async () => {
      const before = read().sites;
      const after = edit(before);
      if (JSON.stringify(after) === JSON.stringify(before) && isOurs()) return;
      try {
        await publish(after);
      } catch (error) {
        await publish(before).catch(() => undefined);
        throw error;
      }
    });
  }

  return {
    kind: program.kind,
    address,
    async ensure() {
      if (existsSync(stoppedFile)) {
        throw new Error(
          'the front was stopped by an order; start it first (ControlService FRONT START)',
        );
      }
      await lock(async () => {
        const served = isOurs() ? await readGeneration(listen) : undefined;
        if (served === undefined || served !== read().generation) await publish(read().sites);
      });
    },
    apply: (site) =>
      change((sites) => {
        const others = sites.filter(({ appId }) => appId !== site.appId);
        checkSite(site, others);
        return [...others, site].toSorted((a, b) => (a.appId < b.appId ? -1 : 1));
      }),
    async remove(appId) {
      if (!read().sites.some((site) => site.appId === appId)) return;
      await change((sites) => sites.filter((site) => site.appId !== appId));
    },
    sites: () => Promise.resolve([...read().sites]),
    async control(action: ServiceControl) {
      if (action === 'reload') return lock(() => publish(read().sites));
      if (action !== 'start') {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeWhole(stoppedFile, 'by an order\n');
        await lock(() => running.end());
      }
      if (action === 'stop') return;
      rmSync(stoppedFile, { force: true });
      await this.ensure();
    },
    async status(): Promise<ServiceHealth> {
      const version = await program.version();
      if (isOurs() && (await readGeneration(listen)) !== undefined)
        return { running: true, detail: version };
      const why = existsSync(stoppedFile)
        ? 'stopped by an order'
        : program.lastWords() || 'not running';
      return { running: false, detail: `${version}, ${why}` };
    },
  };
}
