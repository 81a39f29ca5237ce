import { AppAction, type ControlApp } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { drainAndStop, serve } from './change-over.ts';
import type { Desk } from './deployment.ts';
import { fail } from './failure.ts';
import { waitHealthy } from './health.ts';
import { endStrays } from './keep.ts';
import { readRecord, readRelease, type AppRecord, type Release, type Serving } from './record.ts';
import { freePort, startProcess } from './start.ts';

/** Stops, starts or restarts an app; throws a StepFailure that says why it could not. */
export async function controlApp(
  desk: Desk,
  order: ControlApp,
  signal: AbortSignal,
): Promise<void> {
  const { apps } = desk.context.settings;
  const record = readRecord(apps, order.appId);
  const release = record?.serving && readRelease(apps, order.appId, record.serving.release);
  if (!record?.serving || !release)
    fail('NO_RELEASE', 'No release of this app was ever brought into service on this server.', {
      cause: 'The app was not deployed here yet.',
      next: 'Deploy it first.',
    });
  const { serving } = record;
  switch (order.action) {
    case AppAction.APP_ACTION_STOP:
      return stop(desk, { ...record, isStopped: true });
    case AppAction.APP_ACTION_START:
      if (!record.isStopped && (await isUp(desk, order.appId, serving, release)))
        return serve(desk, record);
      return renew(desk, record, release, serving, signal);
    case AppAction.APP_ACTION_RESTART:
      return renew(desk, record, release, serving, signal);
    default:
      throw new Error(`unknown action ${order.action}`);
  }
}

/** The front lets go of the app first, so that no request meets a process that ends. */
async function stop(desk: Desk, record: AppRecord): Promise<void> {
  await serve(desk, record);
  await endStrays(desk, record.appId);
}

async function isUp(desk: Desk, appId: string, run: Serving, release: Release): Promise<boolean> {
  if (release.running?.kind === 'static') return true;
  const state = await desk.machine.engine.state(appId, run.release, run.instance);
  return state?.up === true;
}

/** Starts a fresh process beside the old one, gates it, changes over, and lets the old one go. */
async function renew(
  desk: Desk,
  record: AppRecord,
  release: Release,
  old: Serving,
  signal: AbortSignal,
): Promise<void> {
  const { appId, name } = record;
  const settings = record.settings ?? release.settings;
  const isNode = release.running?.kind === 'node';
  const run = isNode
    ? { release: old.release, instance: old.instance + 1, port: await freePort() }
    : old;
  try {
    if (isNode) {
      const process = await startProcess(desk, name, release, run, signal);
      await waitHealthy(desk, process, name, settings, signal);
    }
    await serve(desk, { ...record, serving: run, isStopped: false });
  } catch (error) {
    await serve(desk, record);
    await endStrays(desk, appId);
    throw error;
  }
  if (isNode) await drainAndStop(desk, appId, old, settings.drainMs, signal);
}
