import { renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Context } from '../context.ts';
import { readJson, writeJson } from '../engines/files.ts';
import { appFile, appFiles, type AppFile } from './app-files.ts';
import { CHUNK_BYTES, reportLines, type Line } from './chunk.ts';
import { redactLine, type KeyDepth } from './line-redactor.ts';
import { readLines } from './split.ts';

/** A file beyond this is renamed, read to its end and deleted, in bytes. */
const ROTATE_BYTES = 8 * 1024 * 1024;
/** What waits in a file beyond this is skipped, in bytes: an app that floods must not fill the server. */
const BACKLOG_BYTES = 32 * 1024 * 1024;
/** How much of a flood's end is kept, in bytes. */
const KEPT_BYTES = 1024 * 1024;
/** A line without a line break is taken for whole when its file was quiet for this long, in milliseconds. */
const QUIET_MS = 2000;
/** A renamed file may still be written to until the engine has opened the new one, in milliseconds. */
const REOPEN_MS = 10_000;
/** How long the files of a release that is gone are kept after their last line, in milliseconds. */
const GONE_MS = 60_000;
/** Places noted between two reports, so that a flood of events has a bound. */
const MARKS = 1000;

/** Where the log stands: the next line's number, the place in each file, and what is being reported. */
type Place = {
  next: number;
  files: Record<string, { offset: number; depth: KeyDepth }>;
  pending: { first: number; lines: Line[] } | null;
};

/** How far a file had grown at some moment; marks in their order tell how two files were written in turn. */
type Mark = { file: AppFile; timeMs: number; isFresh: boolean };

/** The log of one app, over all its releases. */
export type AppLog = {
  /** Notes that a file of the app has grown. */
  note(name: string): void;
  /** Adds a line of ServerFlow's own. */
  say(text: string): void;
  /** Reports what is new, at most one chunk; says whether there is more. */
  take(): boolean;
  /** Renames what grew too large, and deletes what is read and over; says whether files must be opened again. */
  tidy(isRunning: (run: string) => boolean): boolean;
};

/**
 * Follows the output files of an app by their inodes. What is reported is first written down with its numbers, together with the
 * places it was read up to: after a kill -9 exactly the same lines are reported again under the same numbers.
 */
export function appLog(
  context: Pick<Context, 'report' | 'redactor' | 'settings'>,
  appId: string,
  folder: string,
): AppLog {
  const placeFile = join(folder, 'place.json');
  const place = (readJson(placeFile) as Place | undefined) ?? { next: 1, files: {}, pending: null };
  const said: Line[] = [];
  let marks: Mark[] = [];
  if (place.pending) report();

  function report(): void {
    if (!place.pending) return;
    reportLines(context, { appId, deploymentId: '' }, place.pending.first, place.pending.lines);
    place.pending = null;
    writeJson(placeFile, place);
  }

  const placeOf = (file: AppFile) => (place.files[file.key] ??= { offset: 0, depth: 0 });

  /** Takes the lines up to a mark, as many as the chunk has room for; says whether all were taken. */
  function takeMark({ file, timeMs, isFresh }: Mark, lines: Line[]): boolean {
    const at = placeOf(file);
    // The file was cut: what is in it now is new. An older mark cannot say so, as a flood may have been skipped since.
    if (isFresh && at.offset > file.sizeBytes) at.offset = 0;
    skipFlood(file, at, lines);
    const isQuiet = isFresh && Date.now() - file.modifiedMs > QUIET_MS;
    for (;;) {
      const found =
        at.offset < file.sizeBytes ? readLines(file.path, at.offset, file.sizeBytes, isQuiet) : [];
      if (found.length === 0) return true;
      for (const { text, end } of found) {
        if (isFull(lines)) return false;
        const redacted = redactLine(context.redactor, text, at.depth);
        at.depth = redacted.depth;
        at.offset = end;
        push(lines, [timeMs, file.stream, redacted.text]);
      }
    }
  }

  function skipFlood(file: AppFile, at: { offset: number }, lines: Line[]): void {
    const waiting = file.sizeBytes - at.offset;
    if (waiting <= BACKLOG_BYTES) return;
    const skipped = waiting - KEPT_BYTES;
    at.offset += skipped;
    const megabytes = (skipped / 1024 / 1024).toFixed(1);
    // The gap shows in the numbers before the chunk that this line is in.
    place.next += Math.max(1, Math.round(skipped / 100));
    push(lines, [
      Date.now(),
      'system',
      `${megabytes} MiB of output were left out here: the app says more than can be taken`,
    ]);
  }

  return {
    note(name) {
      const file = marks.length < MARKS ? appFile(folder, name) : undefined;
      if (file) marks.push({ file, timeMs: Date.now(), isFresh: false });
    },
    say(text) {
      for (const line of text.split('\n'))
        said.push([Date.now(), 'system', context.redactor.text(line)]);
    },
    take() {
      const now = Date.now();
      const files = appFiles(folder);
      const present = new Map(files.map((file) => [file.key, file]));
      // A file may have been renamed since it was noted; its place in the order stays.
      const noted = marks.flatMap((mark) => {
        const path = present.get(mark.file.key)?.path;
        return path === undefined ? [] : [{ ...mark, file: { ...mark.file, path } }];
      });
      const all = [...noted, ...files.map((file) => ({ file, timeMs: now, isFresh: true }))];
      const lines: Line[] = said.splice(0, context.settings.logBatchLines);
      let done = 0;
      while (done < all.length && takeMark(all[done] as Mark, lines)) done += 1;
      marks = all.slice(done, Math.max(done, noted.length));
      if (lines.length === 0) return false;
      place.pending = { first: place.next, lines };
      place.next += lines.length;
      for (const key of Object.keys(place.files)) if (!present.has(key)) delete place.files[key];
      writeJson(placeFile, place);
      report();
      return done < all.length;
    },
    tidy(isRunning) {
      let mustReopen = false;
      for (const file of appFiles(folder)) {
        const isRead = placeOf(file).offset >= file.sizeBytes;
        const isOver = file.isOld ? REOPEN_MS : isRunning(file.run) ? Infinity : GONE_MS;
        if (isRead && Date.now() - file.modifiedMs > isOver) rmSync(file.path, { force: true });
        else if (!file.isOld && file.sizeBytes > ROTATE_BYTES) {
          renameSync(file.path, join(folder, `${basename(file.path)}.${Date.now()}`));
          mustReopen = true;
        }
      }
      return mustReopen;
    },
  };

  function isFull(lines: readonly Line[]): boolean {
    return lines.length >= context.settings.logBatchLines || sizeOf(lines) > CHUNK_BYTES / 2;
  }
}

const sizes = new WeakMap<readonly Line[], number>();

function push(lines: Line[], line: Line): void {
  lines.push(line);
  sizes.set(lines, sizeOf(lines) + line[2].length);
}

function sizeOf(lines: readonly Line[]): number {
  return sizes.get(lines) ?? 0;
}
