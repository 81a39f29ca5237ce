import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Stream } from './log.ts';

/** A file that a release's output goes to, or went to before it was renamed. */
export type AppFile = {
  readonly path: string;
  /** Stays when the file is renamed, and is another one when it is made anew. */
  readonly key: string;
  readonly stream: Stream;
  /** The release and the instance, as `<release>.<instance>`. */
  readonly run: string;
  readonly isOld: boolean;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
};

/** `<release>.<instance>.out.log`, and with a number behind it once it was renamed to make room. */
const NAME = /^(\d+\.\d+)\.(out|err)\.log(\.\d+)?$/;

/** The output files of an app, renamed ones first: what is in them was said before. */
export function appFiles(folder: string): AppFile[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .flatMap((name) => appFile(folder, name) ?? [])
    .toSorted((a, b) => Number(b.isOld) - Number(a.isOld) || (a.path < b.path ? -1 : 1));
}

/** One output file of an app; undefined when the name is none or it is gone. */
export function appFile(folder: string, name: string): AppFile | undefined {
  const [, run, stream, old] = NAME.exec(name) ?? [];
  const path = join(folder, name);
  const stat = run === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  if (run === undefined || !stat) return undefined;
  return {
    path,
    key: `${stat.ino}-${Math.round(stat.birthtimeMs)}`,
    stream: stream === 'out' ? 'stdout' : 'stderr',
    run,
    isOld: old !== undefined,
    sizeBytes: stat.size,
    modifiedMs: stat.mtimeMs,
  };
}
