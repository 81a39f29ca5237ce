import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import type { Desk } from './deployment.ts';
import { fail, lastLines, type Code } from './failure.ts';
import { isPass, probe, type Probe } from './probe.ts';
import { listenersOf } from '../metrics/sockets.ts';
import type { Process } from './start.ts';

/** After this share of the deadline an app that listens only elsewhere is taken at its word. */
const ELSEWHERE_SHARE = 0.25;

/** How often it is looked whether a process is up, in milliseconds; it costs two small files. */
const CRASH_LOOK_MS = 200;

type Crash = { readonly code: Code; readonly what: string };
const AT_START: Crash = { code: 'CRASHED_AT_START', what: 'ended by itself while it was started' };
const IN_BAKE: Crash = {
  code: 'CRASHED_IN_BAKE',
  what: 'ended by itself after it was switched to',
};

/** Waits until a process has answered well `passes` times in a row; fails when it ends, answers badly until the deadline, or listens elsewhere. Returns what it found. */
export async function waitHealthy(
  desk: Desk,
  process: Process,
  name: string,
  settings: Settings,
  signal: AbortSignal,
): Promise<string> {
  const begin = Date.now();
  const deadline = begin + settings.healthDeadlineMs;
  let passes = 0;
  let last: Probe = { kind: 'refused' };
  for (let asked = 1; ; asked += 1) {
    await refuseCrash(desk, process, AT_START);
    last = await ask(process, name, settings, signal);
    passes = isPass(last) ? passes + 1 : 0;
    if (passes >= settings.healthPasses) {
      await refuseCrash(desk, process, AT_START);
      const answer = last.kind === 'answered' ? `${last.status} in ${last.ms} ms` : '';
      return `${settings.healthPath} answered ${answer}, ${passes} times in a row after ${asked} checks`;
    }
    const now = Date.now();
    const isPatient = now - begin < settings.healthDeadlineMs * ELSEWHERE_SHARE;
    if (last.kind === 'refused' && !isPatient) refuseElsewhere(process);
    if (now + settings.healthIntervalMs > deadline) break;
    await stayUp(desk, process, settings.healthIntervalMs, AT_START, signal);
  }
  await refuseCrash(desk, process, AT_START);
  return refuseAnswer(last, process, settings, `within ${settings.healthDeadlineMs} ms`);
}

/** Watches a process for a while under real requests; fails when it ends or fails `passes` checks in a row. */
export async function watchHealth(
  desk: Desk,
  process: Process,
  name: string,
  settings: Settings,
  signal: AbortSignal,
): Promise<string> {
  const end = Date.now() + settings.bakeMs;
  let failures = 0;
  let asked = 0;
  while (Date.now() < end) {
    await refuseCrash(desk, process, IN_BAKE);
    const result = await ask(process, name, settings, signal);
    asked += 1;
    failures = isPass(result) ? 0 : failures + 1;
    if (failures >= settings.healthPasses) {
      await refuseCrash(desk, process, IN_BAKE);
      refuseAnswer(result, process, settings, 'while it was watched under real requests');
    }
    const wait = Math.min(settings.healthIntervalMs, end - Date.now());
    await stayUp(desk, process, wait, IN_BAKE, signal);
  }
  await refuseCrash(desk, process, IN_BAKE);
  return `stayed up for ${settings.bakeMs} ms and ${asked} checks`;
}

const ask = (process: Process, name: string, settings: Settings, signal: AbortSignal) =>
  probe({
    host: '127.0.0.1',
    port: process.run.port,
    path: settings.healthPath,
    hostname: `${name}.localhost`,
    timeoutMs: settings.healthTimeoutMs,
    signal,
  });

/** Waits, and looks so often whether the process is up that users meet a crashed release only for a moment. */
async function stayUp(
  desk: Desk,
  process: Process,
  ms: number,
  crash: Crash,
  signal: AbortSignal,
): Promise<void> {
  const end = Date.now() + ms;
  for (let left = ms; left > 0; left = end - Date.now()) {
    await sleep(Math.min(left, CRASH_LOOK_MS), undefined, { signal });
    await refuseCrash(desk, process, crash);
  }
}

async function refuseCrash(desk: Desk, process: Process, { code, what }: Crash): Promise<void> {
  const { release, instance } = process.run;
  const state = await desk.machine.engine.state(process.appId, release, instance);
  if (state?.up === true && state.restarts === 0) return;
  const exit = state?.exitCode === undefined ? '' : ` with exit code ${state.exitCode}`;
  fail(code, `The program ${what}${exit}.`, { evidence: lastLines(process.output()) });
}

/** Nothing answered on 127.0.0.1 and the port: says where the program listens instead, if it does. */
function refuseElsewhere(process: Process): void {
  const { port: given } = process.run;
  const reachable = ['127.0.0.1', '0.0.0.0', '::'];
  const found = listenersOf(process.pid).find(
    ({ address, port }) => port !== given || !reachable.includes(address),
  );
  if (found === undefined) return;
  const where = `The program listens on ${found.address}:${found.port}`;
  const evidence = lastLines(process.output());
  if (found.port !== given)
    fail('WRONG_PORT', `${where} and not on the port ${given} that it was given.`, { evidence });
  fail('WRONG_PORT', `${where} and not on 127.0.0.1, where the front asks.`, {
    evidence,
    cause: 'The program does not read HOST.',
  });
}

function refuseAnswer(last: Probe, process: Process, settings: Settings, when: string): never {
  const evidence = lastLines(process.output());
  const path = settings.healthPath;
  switch (last.kind) {
    case 'answered':
      return fail('HEALTH_STATUS', `${path} answered ${last.status} ${when}.`, { evidence });
    case 'timeout':
      return fail(
        'HEALTH_TIMEOUT',
        `${path} gave no answer in ${settings.healthTimeoutMs} ms, ${when}.`,
        { evidence },
      );
    case 'broken':
      return fail('HEALTH_STATUS', `${path} ended the connection without an answer ${when}.`, {
        evidence: [...evidence, last.message],
        cause: 'The program does not speak HTTP on its port, or breaks while it answers.',
      });
    case 'refused':
      refuseElsewhere(process);
      return fail('NEVER_LISTENED', `Nothing listened on port ${process.run.port} ${when}.`, {
        evidence,
      });
  }
}
