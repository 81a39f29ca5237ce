import { StepName } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployment, Desk } from './deployment.ts';
import { fail } from './failure.ts';
import { waitHealthy, watchHealth } from './health.ts';
import { keep } from './keep.ts';
import { isPass, probe } from './probe.ts';
import { writeRecord, writeRelease, type AppRecord, type Release, type Serving } from './record.ts';
import { applyRecord } from './site.ts';
import { connectionsTo } from '../metrics/sockets.ts';
import { freePort, startProcess, type Process } from './start.ts';

/** How often it is looked whether old connections have ended, in milliseconds. */
const DRAIN_LOOK_MS = 100;

/** Brings a built release into service: start beside → health → switch → bake. Until this returns, going back is possible. */
export async function changeOver(deployment: Deployment, release: Release): Promise<void> {
  const process = await startAndCheck(deployment, release);
  await deployment.step(StepName.STEP_NAME_SWITCH, (say) => switchTo(deployment, release, say));
  await bake(deployment, release, process);
}

/** Watches the release that was switched to; when it stays up it is kept, and the deployment has succeeded. */
export async function bake(
  deployment: Deployment,
  release: Release,
  process: Process | undefined,
): Promise<void> {
  const { app, settings, signal } = deployment;
  await deployment.step(StepName.STEP_NAME_BAKE, async (say) => {
    if (process === undefined) say(await askFront(deployment));
    else say(await watchHealth(deployment, process, app.name, settings, signal));
    await writeRelease(deployment.execute, { ...release, isKept: true });
  });
  await deployment.note({ isBaked: true });
  // From here on the old release is no spare: it is about to end.
  await told(serve(deployment, newRecord(deployment)));
}

/** Lets the old release go and clears up: drain → keep. What fails here is told and changes nothing about the success. */
export async function clearUp(deployment: Deployment): Promise<void> {
  const { before } = deployment.journal();
  const old = before?.serving ?? null;
  if (old === null || old.port === 0 || before?.isStopped === true) {
    deployment.skip(StepName.STEP_NAME_DRAIN, 'No old process has to end.');
  } else {
    await told(deployment.step(StepName.STEP_NAME_DRAIN, (say) => drain(deployment, old, say)));
  }
  await told(deployment.step(StepName.STEP_NAME_KEEP, (say) => keep(deployment, say)));
}

/** Remembers a run as the one that serves and points the front at it; the record is written first, so that it can be carried out again. */
export async function serve(desk: Desk, record: AppRecord, spare?: number): Promise<void> {
  await writeRecord(desk.execute, record);
  await applyRecord(desk, record, spare);
  if (record.serving === null) return;
  const { release } = record.serving;
  await desk.execute({ verb: 'link current', appId: record.appId, release });
}

/** Waits until an old run has no connection left, at most `drainMs`, then stops it. */
export async function drainAndStop(
  desk: Desk,
  appId: string,
  old: Serving,
  drainMs: number,
  signal: AbortSignal,
): Promise<string> {
  const begin = Date.now();
  const end = begin + drainMs;
  let open = connectionsTo(old.port);
  while (open > 0 && Date.now() < end) {
    await sleep(Math.min(DRAIN_LOOK_MS, Math.max(1, end - Date.now())), undefined, { signal });
    open = connectionsTo(old.port);
  }
  const { release, instance } = old;
  await desk.execute({ verb: 'stop process', appId, release, instance });
  const left = open === 0 ? 'its last connection had ended' : `${open} connections were left`;
  return `release ${release} was stopped after ${Date.now() - begin} ms; ${left}`;
}

async function startAndCheck(
  deployment: Deployment,
  release: Release,
): Promise<Process | undefined> {
  const { app, settings, signal } = deployment;
  if (release.running?.kind !== 'node') {
    deployment.skip(StepName.STEP_NAME_START, 'Files need no process.');
    deployment.skip(StepName.STEP_NAME_HEALTH, 'The front is asked once it serves the files.');
    return undefined;
  }
  const process = await deployment.step(StepName.STEP_NAME_START, async (say) => {
    const port = await freePort();
    await deployment.note({ port });
    const { instance } = deployment.journal();
    const run = { release: release.release, instance, port };
    const started = await startProcess(deployment, app.name, release, run, signal);
    say(`release ${run.release} on port ${port}`);
    return started;
  });
  await deployment.step(StepName.STEP_NAME_HEALTH, async (say) =>
    say(await waitHealthy(deployment, process, app.name, settings, signal)),
  );
  return process;
}

async function switchTo(
  deployment: Deployment,
  release: Release,
  say: (detail: string) => void,
): Promise<void> {
  const { app } = deployment;
  await orSwitchFailed(deployment.execute({ verb: 'ensure front' }));
  // Noted before the front is touched: a killed agent must know that the front may point at either.
  await deployment.note({ isSwitched: true });
  await orSwitchFailed(serveNew(deployment));
  const hosts = [`${app.name}.localhost`, ...app.domains].join(', ');
  say(`${hosts} → release ${release.release}`);
}

/** Points the front at the new run; until that has proved itself, the old one answers where the new one fails to. */
export async function serveNew(deployment: Deployment): Promise<void> {
  const { before } = deployment.journal();
  const spare = before?.isStopped === true ? 0 : (before?.serving?.port ?? 0);
  await serve(deployment, newRecord(deployment), spare === 0 ? undefined : spare);
}

function newRecord({ app, settings, journal }: Deployment): AppRecord {
  const { release, instance, port } = journal();
  const { appId, name, domains } = app;
  const serving = { release, instance, port };
  return { version: 1, appId, name, domains, settings, serving, isStopped: false };
}

const orSwitchFailed = (work: Promise<void>): Promise<void> =>
  work.catch((error: unknown) => {
    const lines = (error instanceof Error ? error.message : String(error)).split('\n');
    return fail('SWITCH_FAILED', `The front did not take the new release: ${lines[0]}`, {
      evidence: lines,
    });
  });

/** Asks the front itself for a site of files; there is no process that could be asked. */
async function askFront({ machine, app, settings, signal }: Deployment): Promise<string> {
  const { hostname: host, port } = new URL(`http://${machine.front.address}`);
  const result = await probe({
    host: host.replace(/^\[|\]$/g, ''),
    port: Number(port || 80),
    path: settings.healthPath,
    hostname: `${app.name}.localhost`,
    timeoutMs: settings.healthTimeoutMs,
    signal,
  });
  if (result.kind === 'answered' && isPass(result))
    return `${settings.healthPath} answered ${result.status} at the front`;
  const what = result.kind === 'answered' ? `answered ${result.status}` : 'gave no answer';
  fail('HEALTH_STATUS', `${settings.healthPath} ${what} at the front.`, {
    cause: 'The site has no such page, or the front does not run.',
  });
}

const drain = async (deployment: Deployment, old: Serving, say: (detail: string) => void) => {
  const { app, settings, signal } = deployment;
  say(await drainAndStop(deployment, app.appId, old, settings.drainMs, signal));
};

/** The failed step was told when it failed; the new release serves and has proved itself, so the deployment goes on. */
const told = (step: Promise<void>): Promise<void> =>
  step.catch((error: unknown) => {
    if (error instanceof Error && error.name === 'AbortError') throw error;
  });
