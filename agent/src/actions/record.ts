import { readdirSync, readFileSync } from 'node:fs';
import type { Settings } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { layout } from '../verbs/layout.ts';
import type { Execute } from '../verbs/verb.ts';

/** The run of a release that the front points at. */
export type Serving = {
  readonly release: number;
  /** Grows when the same release is started again beside itself. */
  readonly instance: number;
  /** The port of its process; 0 for a static site. */
  readonly port: number;
};

/** What the agent remembers of an app; the file app.json. */
export type AppRecord = {
  readonly version: 1;
  readonly appId: string;
  readonly name: string;
  /** The domains beside `<name>.localhost`, in ascending order. */
  readonly domains: readonly string[];
  /** As the last release that served was deployed with. */
  readonly settings: Settings | null;
  readonly serving: Serving | null;
  /** Whether it was stopped by an order. */
  readonly isStopped: boolean;
};

/** How a release is run or served; found out once, from its files. */
export type Running =
  | {
      readonly kind: 'node';
      /** The program as a path or as `node` or `npm`, then its arguments. */
      readonly argv: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'static';
      /** The folder that is served, from the release's files on. */
      readonly root: string;
      /** Whether an unknown path answers with index.html. */
      readonly spa: boolean;
    };

/** What a release is; the file release.json, which also labels its folder as ours. */
export type Release = {
  readonly version: 1;
  readonly appId: string;
  readonly release: number;
  readonly deploymentId: string;
  readonly commit: string;
  readonly commitMessage: string;
  /** The folder of the app within the files. */
  readonly directory: string;
  readonly running: Running | null;
  readonly settings: Settings;
  readonly createdAtMs: number;
  /** Whether it has passed the gate; only such a release is kept. */
  readonly isKept: boolean;
};

/** Reads what is remembered of an app; undefined when it is not known here. */
export const readRecord = (apps: string, appId: string): AppRecord | undefined =>
  readJson(layout(apps, appId).record);

/** Reads what a release is; undefined when there is none. */
export const readRelease = (apps: string, appId: string, release: number): Release | undefined =>
  readJson(layout(apps, appId).label(release));

/** The releases of an app that carry our label, in ascending order. */
export function readReleases(apps: string, appId: string): Release[] {
  const numbers = names(layout(apps, appId).releases).filter((name) => /^[1-9]\d*$/.test(name));
  return numbers
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((number) => readRelease(apps, appId, number) ?? []);
}

/** Every app that is known here. */
export const readRecords = (apps: string): AppRecord[] =>
  names(apps)
    .filter((name) => /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name))
    .flatMap((appId) => readRecord(apps, appId) ?? []);

/** Remembers an app; it is on disk when this returns. */
export const writeRecord = (execute: Execute, record: AppRecord): Promise<void> =>
  execute({
    verb: 'write file',
    appId: record.appId,
    at: { file: 'record' },
    content: `${JSON.stringify(record, undefined, 1)}\n`,
  });

/** Writes what a release is; it is on disk when this returns. */
export const writeRelease = (execute: Execute, release: Release): Promise<void> =>
  execute({
    verb: 'write file',
    appId: release.appId,
    at: { file: 'label', release: release.release },
    content: `${JSON.stringify(release, undefined, 1)}\n`,
  });

/** Reads a file of ours, which is written whole or not at all; undefined when it is missing. */
export function readJson<Value>(path: string): Value | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  return JSON.parse(text) as Value;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
