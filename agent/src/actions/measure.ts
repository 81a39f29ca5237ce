import { AppState, type AppReport } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { look, measureApp } from '../metrics/app-state.ts';
import { knownApp } from './apps.ts';
import type { Desk } from './deployment.ts';
import { readRecord } from './record.ts';

/** Measures an app and reports what it does right now; a removed app is reported as one of which nothing was ever deployed. */
export async function reportApp({ context, machine }: Desk, appId: string): Promise<void> {
  const { apps } = context.settings;
  const record = readRecord(apps, appId);
  const value =
    record === undefined
      ? gone(appId)
      : await measureApp(knownApp(apps, record), await look(machine));
  context.report({ $case: 'app', value });
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
