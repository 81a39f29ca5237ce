import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { AppState, type AppReport } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { Engine, Run, ServiceHealth } from '../engines/engine.ts';
import type { Front, Site } from '../fronts/front.ts';
import type { KnownApp } from './known-app.ts';

/** How long an app's port may take to accept a connection on this machine, in milliseconds. */
const CONNECT_MS = 2000;

/** What was seen of the machine at one moment; several apps are measured against it. */
export type Seen = {
  readonly front: ServiceHealth;
  readonly address: string;
  readonly sites: readonly Site[];
  readonly runs: readonly Run[];
};

/** Looks at the front and at everything that the engine runs. */
export async function look({ engine, front }: { engine: Engine; front: Front }): Promise<Seen> {
  const [health, sites, runs] = await Promise.all([front.status(), front.sites(), engine.list()]);
  return { front: health, address: front.address, sites, runs };
}

/** Says what an app does right now, as measured: its process, its port, its files, and the front before it. */
export async function measureApp(app: KnownApp, seen: Seen): Promise<AppReport> {
  const common = {
    appId: app.appId,
    detail: '',
    servingRelease: app.servingRelease,
    keptReleases: [...app.keptReleases],
    domains: [...app.domains],
    urls: [],
  };
  if (app.servingRelease === 0) return { ...common, state: AppState.APP_STATE_NEW };
  if (app.isStopped) return { ...common, state: AppState.APP_STATE_STOPPED };
  const detail = await faultOf(app, seen);
  const state = detail === '' ? AppState.APP_STATE_SERVING : AppState.APP_STATE_DOWN;
  return { ...common, state, detail, urls: urlsOf(app, seen.address) };
}

/** Where an app answers, `<name>.localhost` first. */
function urlsOf({ name, domains }: KnownApp, address: string): string[] {
  const port = address.slice(address.lastIndexOf(':') + 1);
  const suffix = port === '80' ? '' : `:${port}`;
  return [`${name}.localhost`, ...domains].map((hostname) => `http://${hostname}${suffix}`);
}

/** Why an app does not serve; empty when it does. */
async function faultOf(app: KnownApp, seen: Seen): Promise<string> {
  if (!seen.front.running) return `The front does not run: ${seen.front.detail}.`;
  const target = seen.sites.find(({ appId }) => appId === app.appId)?.target;
  if (!target) return 'The front has no site for it; deploy it again.';
  if (target.kind === 'files') {
    return existsSync(target.root)
      ? ''
      : 'The files that it is served from are gone; deploy it again.';
  }
  const run = seen.runs.find(({ appId, port }) => appId === app.appId && port === target.port);
  if (!run) return 'PM2 does not know its program; restart it.';
  if (!run.state.up) {
    const { exitCode } = run.state;
    return `Its program does not run${exitCode === undefined ? '' : `; it ended with exit code ${exitCode}`}.`;
  }
  return (await accepts(target.port))
    ? ''
    : `Its program runs and does not listen on port ${target.port}.`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: CONNECT_MS });
    const settle = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
  });
}
