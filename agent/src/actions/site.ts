import { join } from 'node:path';
import type { Site } from '../fronts/front.ts';
import { layout } from '../verbs/layout.ts';
import type { Desk } from './deployment.ts';
import { readRelease, type AppRecord, type Release, type Serving } from './record.ts';

/** How the front serves a run of a release, with the port of the release before as a spare, under the names that are remembered of its app. */
export function siteOf(
  { context }: Desk,
  app: Pick<AppRecord, 'appId' | 'name' | 'domains'>,
  release: Release,
  run: Serving,
  spare?: number,
): Site {
  const { appId, name, domains } = app;
  const { running } = release;
  if (running === null) throw new Error(`release ${release.release} was never built`);
  const tree = layout(context.settings.apps, appId).tree(release.release);
  const target =
    running.kind === 'node'
      ? ({ kind: 'port', port: run.port, ...(spare === undefined ? {} : { spare }) } as const)
      : ({ kind: 'files', root: join(tree, running.root), spa: running.spa } as const);
  return { appId, name, hostnames: domains, target };
}

/** Points the front at what is remembered of an app: at its serving run, or away from it where it is stopped or has none. */
export async function applyRecord(desk: Desk, record: AppRecord, spare?: number): Promise<void> {
  const { appId, serving } = record;
  const release = serving && readRelease(desk.context.settings.apps, appId, serving.release);
  if (!serving || !release || record.isStopped) {
    await desk.execute({ verb: 'remove site', appId });
    return;
  }
  await desk.execute({ verb: 'ensure front' });
  await desk.execute({ verb: 'apply site', site: siteOf(desk, record, release, serving, spare) });
}
