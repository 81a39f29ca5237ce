import type { KnownApp } from '../metrics/known-app.ts';
import { readRecords, readRelease, readReleases, type AppRecord } from './record.ts';

/** Every app that this agent knows, as its files say. */
export const knownApps = (apps: string): KnownApp[] =>
  readRecords(apps).map((record) => knownApp(apps, record));

/** What is known of one app beside what can be measured. */
export function knownApp(apps: string, record: AppRecord): KnownApp {
  const { appId, name, domains, serving, isStopped } = record;
  const release = serving && readRelease(apps, appId, serving.release);
  const kept = readReleases(apps, appId).filter(({ isKept }) => isKept);
  return {
    appId,
    name,
    kind: release?.running?.kind ?? 'node',
    servingRelease: serving?.release ?? 0,
    keptReleases: kept.map((each) => each.release),
    port: serving?.port ?? 0,
    domains,
    isStopped,
  };
}
