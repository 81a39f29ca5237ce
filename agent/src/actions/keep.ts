import type { Deployment, Desk } from './deployment.ts';
import { readRecord, readReleases } from './record.ts';

/** Deletes the releases beyond those that are kept; the one that serves is never among them. */
export async function keep(deployment: Deployment, say: (detail: string) => void): Promise<void> {
  const { app, settings } = deployment;
  const removed = await removeSurplus(deployment, app.appId, settings.keepReleases);
  const { apps } = deployment.context.settings;
  const kept = readReleases(apps, app.appId).map(({ release }) => release);
  const gone = removed.length === 0 ? '' : `; removed ${removed.join(', ')}`;
  say(`kept ${kept.join(', ')}${gone}`);
}

/** Removes half-made releases and the oldest ones beyond `count`, and ends every process that does not serve. Returns what was removed. */
export async function removeSurplus(desk: Desk, appId: string, count: number): Promise<number[]> {
  const { apps } = desk.context.settings;
  const serving = readRecord(apps, appId)?.serving?.release ?? 0;
  await endStrays(desk, appId);
  const releases = readReleases(apps, appId);
  const others = releases.filter(({ release }) => release !== serving);
  const room = Math.max(0, count - (serving === 0 ? 0 : 1));
  const good = others.filter(({ isKept }) => isKept).map(({ release }) => release);
  const kept = new Set(room === 0 ? [] : good.slice(-room));
  const surplus = others.map(({ release }) => release).filter((release) => !kept.has(release));
  for (const release of surplus) await desk.execute({ verb: 'remove release', appId, release });
  return surplus;
}

/** Ends every process of an app but the one that serves, such as one that a killed agent left behind. */
export async function endStrays({ context, machine, execute }: Desk, appId: string): Promise<void> {
  const record = readRecord(context.settings.apps, appId);
  const serving = record?.isStopped === true ? null : record?.serving;
  for (const run of await machine.engine.list()) {
    if (run.appId !== appId) continue;
    const { release, instance } = run;
    if (release === serving?.release && instance === serving.instance) continue;
    await execute({ verb: 'stop process', appId, release, instance });
  }
}
