import { AppState, type AppReport } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { knownApp } from './apps.ts';
import type { Desk } from './deployment.ts';
import { readRecord, type AppRecord } from './record.ts';

/** Measures an app and reports what it does right now; a removed app is reported as one of which nothing was ever deployed. */
export async function reportApp(desk: Desk, appId: string): Promise<void> {
  const record = readRecord(desk.context.settings.apps, appId);
  const value = record === undefined ? gone(appId) : await measure(desk, record);
  desk.context.report({ $case: 'app', value });
}

async function measure(desk: Desk, record: AppRecord): Promise<AppReport> {
  const { machine, context } = desk;
  const app = knownApp(context.settings.apps, record);
  const { serving } = record;
  const common = {
    appId: app.appId,
    detail: '',
    servingRelease: app.servingRelease,
    keptReleases: [...app.keptReleases],
    urls: [],
    domains: [...app.domains],
  };
  if (serving === null) return { ...common, state: AppState.APP_STATE_NEW };
  if (app.isStopped) return { ...common, state: AppState.APP_STATE_STOPPED };
  const urls = [`http://${app.name}.localhost:${portOf(machine.front.address)}`];
  urls.push(...app.domains.map((domain) => `http://${domain}`));
  const detail = await faultOf(desk, app.appId, serving, app.kind);
  if (detail !== undefined) return { ...common, urls, state: AppState.APP_STATE_DOWN, detail };
  return { ...common, urls, state: AppState.APP_STATE_SERVING };
}

async function faultOf(
  { machine }: Desk,
  appId: string,
  run: { release: number; instance: number },
  kind: 'node' | 'static',
): Promise<string | undefined> {
  const front = await machine.front.status();
  if (!front.running) return `The front does not run: ${front.detail}`;
  if (kind === 'static') return undefined;
  const state = await machine.engine.state(appId, run.release, run.instance);
  if (state?.up === true) return undefined;
  const exit = state?.exitCode === undefined ? '' : `; it ended with exit code ${state.exitCode}`;
  return `The program does not run${exit}.`;
}

const gone = (appId: string): AppReport => ({
  appId,
  state: AppState.APP_STATE_NEW,
  detail: '',
  servingRelease: 0,
  keptReleases: [],
  urls: [],
  domains: [],
});

const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);
