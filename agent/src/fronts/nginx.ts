import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nginxRun, nginxTest, nginxVersion } from '../commands/nginx.ts';
import { writeWhole } from '../engines/files.ts';
import { endProcess } from '../engines/processes.ts';
import {
  commandLine,
  identify,
  readProcesses,
  readTree,
  workingFolder,
} from '../metrics/processes.ts';
import { run } from '../shell.ts';
import type { Front } from './front.ts';
import type { Listen } from './live.ts';
import { nginxMain, nginxSite } from './nginx-config.ts';
import { DOWN_PAGE, UNKNOWN_PAGE } from './pages.ts';
import { siteFront, type Program, type Sites } from './site-front.ts';

const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** How a worker is titled that takes requests; one that only finishes old ones says "is shutting down" behind it. */
const WORKER = 'nginx: worker process';

/** Which nginx serves, and where. */
export type NginxOptions = {
  readonly state: string;
  readonly listen: Listen;
  readonly nginx: string;
};

/** The machine's nginx on a prefix of its own, `<state>/front/nginx`, as an ordinary user; one generated file per app. */
export function nginxFront({ state, listen, nginx }: NginxOptions): Front {
  const prefix = join(state, 'front', 'nginx');
  const address = `${listen.host}:${listen.port}`;
  let version: string | undefined;

  async function write({ generation, sites }: Sites): Promise<void> {
    for (const folder of ['sites', 'pages', 'logs', 'temp']) {
      mkdirSync(join(prefix, folder), { recursive: true, mode: 0o700 });
    }
    writeWhole(join(prefix, 'pages', 'unknown.html'), UNKNOWN_PAGE);
    writeWhole(join(prefix, 'pages', 'down.html'), DOWN_PAGE);
    const files = new Map(sites.map((site) => [`${site.appId}.conf`, nginxSite(site, address)]));
    for (const [name, text] of files) writeWhole(join(prefix, 'sites', name), text);
    for (const name of readdirSync(join(prefix, 'sites'))) {
      if (!files.has(name)) rmSync(join(prefix, 'sites', name), { force: true });
    }
    const isRoot = process.getuid?.() === 0;
    writeWhole(join(prefix, 'nginx.conf'), nginxMain(address, generation, isRoot));
    const tested = await run(nginxTest(nginx, prefix), {
      cwd: prefix,
      env: ENV,
      timeoutMs: 10_000,
    });
    if (tested.code !== 0) {
      throw new Error(`nginx refuses the new configuration: ${tested.stderr.trim().slice(-1000)}`);
    }
  }

  const program: Program = {
    kind: 'nginx',
    write,
    argv: () => nginxRun(nginx, prefix),
    async version() {
      if (version === undefined) {
        const said = await run(nginxVersion(nginx), { cwd: '/', env: ENV, timeoutMs: 10_000 });
        version = /nginx\/\S+/.exec(said.stderr)?.[0]?.replace('/', ' ') ?? 'nginx';
      }
      return version;
    },
    sweep: () => endWorkers(join(state, 'front')),
    workers: (pid) =>
      readTree(pid)
        .filter((each) => each.parent === pid && commandLine(each.pid) === WORKER)
        .map((worker) => worker.pid),
    lastWords() {
      const log = join(prefix, 'logs', 'error.log');
      const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
      return lines.findLast((line) => /\[emerg\](?!.*still could not bind)/.test(line)) ?? '';
    },
  };
  return siteFront(state, listen, program);
}

/** Ends the workers that a killed master left behind; they are known by their title and the folder they were started in. */
async function endWorkers(folder: string): Promise<void> {
  const orphans = readProcesses().flatMap(({ pid }) => {
    const identity = identify(pid);
    const isOurs = commandLine(pid).startsWith(WORKER) && workingFolder(pid) === folder;
    return isOurs && identity !== undefined ? [{ pid, identity }] : [];
  });
  await Promise.all(orphans.map(({ pid, identity }) => endProcess(pid, identity)));
}
