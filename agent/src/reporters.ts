import { setTimeout as sleep } from 'node:timers/promises';
import { knownApps } from './actions/apps.ts';
import { readRecords, readReleases } from './actions/record.ts';
import { openVariables } from './actions/variables.ts';
import type { Context, ReportBody } from './context.ts';
import type { Run } from './engines/engine.ts';
import { startAppLogs, type AppLogs } from './logs/app-logs.ts';
import { cutOwnLogs } from './logs/own-logs.ts';
import { look, measureApp, type Seen } from './metrics/app-state.ts';
import { readFacts } from './metrics/facts.ts';
import { detectPorts } from './metrics/ports.ts';
import { createSampler } from './metrics/sampler.ts';
import { machineOf, type Machine } from './verbs/machine.ts';

/** What did not change is reported again after this long, in milliseconds, so that a control plane that was restored learns it. */
const REPEAT_MS = 600_000;
/** The first sample is taken this long after the start at the latest, in milliseconds, so that a new server shows figures soon. */
const FIRST_SAMPLE_MS = 3000;
/** The longest wait before a front that does not start is started again, in milliseconds. */
const FRONT_RETRY_MS = 60_000;

/**
 * Reports what happens on the machine until the signal: the output of apps, what they do, their ports, the machine and its
 * services, and measurements. It also keeps the front and PM2 running, unless an order stopped them.
 */
export async function startReporters(context: Context, signal: AbortSignal): Promise<void> {
  const machine = machineOf(context);
  learnSecrets(context);
  const isKnown = (appId: string) =>
    readRecords(context.settings.apps).some((app) => app.appId === appId);
  const logs = startAppLogs(context, { engine: machine.engine, isKnown }, signal);
  await Promise.all([
    logs.done,
    watchMachine(context, machine, logs, signal),
    takeSamples(context, machine, signal),
  ]);
}

/** Makes the variables of all kept releases known to the redactor, before any line of an app is read. */
function learnSecrets(context: Context): void {
  const { apps } = context.settings;
  for (const { appId } of readRecords(apps)) {
    for (const { release } of readReleases(apps, appId)) {
      try {
        openVariables(context, appId, release);
      } catch {
        // It cannot be started either, so it cannot say the value; the deploy that needs it says why.
      }
    }
  }
}

async function watchMachine(
  context: Context,
  machine: Machine,
  logs: AppLogs,
  signal: AbortSignal,
): Promise<void> {
  const report = reportChanges(context.report);
  const keepFront = frontKeeper(machine);
  const tellRestarts = restartTeller(logs);
  while (!signal.aborted) {
    try {
      for (const { appId, said } of await machine.engine.repair()) logs.say(appId, said);
      await keepFront();
      cutOwnLogs(context.settings.state);
      const seen = await look(machine);
      tellRestarts(seen.runs);
      await reportMachine(context, machine, seen, report);
    } catch (error) {
      console.error(
        'the machine could not be looked at:',
        error instanceof Error ? error.message : error,
      );
    }
    await pause(context.settings.reportIntervalMs, signal);
  }
}

async function reportMachine(
  context: Context,
  machine: Machine,
  seen: Seen,
  report: Report,
): Promise<void> {
  report('facts', { $case: 'facts', value: await readFacts(context, machine) });
  report('ports', { $case: 'ports', value: { ports: detectPorts(seen.runs) } });
  for (const app of knownApps(context.settings.apps)) {
    report(`app ${app.appId}`, { $case: 'app', value: await measureApp(app, seen) });
  }
}

async function takeSamples(
  context: Context,
  { engine }: Machine,
  signal: AbortSignal,
): Promise<void> {
  const { state, metricsIntervalMs } = context.settings;
  const sample = createSampler(state);
  await pause(Math.min(metricsIntervalMs, FIRST_SAMPLE_MS), signal);
  while (!signal.aborted) {
    try {
      const runs = (await engine.list()).filter((run) => run.state.up);
      const value = sample(runs.map((run) => ({ appId: run.appId, pid: run.state.pid })));
      context.report({ $case: 'sample', value });
    } catch (error) {
      console.error('no sample could be taken:', error instanceof Error ? error.message : error);
    }
    await pause(metricsIntervalMs, signal);
  }
}

/** Starts a front that does not run; ever less often while it fails, and not when an order stopped it. */
function frontKeeper({ front }: Machine): () => Promise<void> {
  let waitMs = 0;
  let notBeforeMs = 0;
  return async () => {
    if (Date.now() < notBeforeMs || (await front.status()).running) return;
    try {
      await front.ensure();
      waitMs = 0;
    } catch {
      // Its status, which the facts carry, says why.
      waitMs = Math.min(FRONT_RETRY_MS, Math.max(1000, waitMs * 2));
      notBeforeMs = Date.now() + waitMs;
    }
  };
}

/** Says in an app's log that its program was started again, which is otherwise over before anybody looks. */
function restartTeller(logs: AppLogs): (runs: readonly Run[]) => void {
  let before = new Map<string, number>();
  return (runs) => {
    const now = new Map<string, number>();
    for (const { appId, release, instance, state } of runs) {
      const key = `${appId}.${release}.${instance}`;
      now.set(key, state.restarts);
      const more = state.restarts - (before.get(key) ?? state.restarts);
      const times = more === 1 ? '' : ` ${more} times`;
      if (more > 0) logs.say(appId, `release ${release} ended and PM2 started it again${times}`);
    }
    before = now;
  };
}

type Report = (name: string, body: ReportBody) => void;

/** Reports what differs from what was reported last under the same name. */
function reportChanges(report: Context['report']): Report {
  const last = new Map<string, { text: string; atMs: number }>();
  return (name, body) => {
    const text = JSON.stringify(body);
    const before = last.get(name);
    if (before?.text === text && Date.now() - before.atMs < REPEAT_MS) return;
    last.set(name, { text, atMs: Date.now() });
    report(body);
  };
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
