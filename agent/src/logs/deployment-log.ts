import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { reportLines, type Line } from './chunk.ts';
import { redactLine } from './line-redactor.ts';
import type { DeploymentLog, Stream } from './log.ts';

/** A build that says more than this is cut off in its log; its numbers go on, so that the loss shows. */
const MAX_LINES = 200_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** How long the place of an ended log is remembered, in milliseconds. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;

const open = new Map<string, DeploymentLog>();

/** What is in a deployment's file, line by line: a log line, or a note of how many were reported. */
type Entry = Line | { readonly reported: number };

/**
 * Opens the log of a deployment, or goes on with it after a restart. Each line is in its file before `line` returns, at a place
 * that is its number, so that a kill -9 loses none and a report that is made again says the same lines under the same numbers.
 */
export function openDeploymentLog(
  context: Pick<Context, 'report' | 'redactor' | 'settings'>,
  log: { appId: string; deploymentId: string },
): DeploymentLog {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(log.deploymentId))
    throw new Error('not the id of a deployment');
  const folder = join(context.settings.state, 'logs', 'deployments');
  const path = join(folder, `${log.deploymentId}.jsonl`);
  const known = open.get(path);
  if (known) return known;

  mkdirSync(folder, { recursive: true, mode: 0o700 });
  forgetOld(folder);
  let { reported, waiting, sizeBytes } = readBack(path);
  let left = 0;
  let depth = 0;
  let timer: NodeJS.Timeout | undefined;
  let descriptor: number | undefined = openSync(path, 'a', 0o600);
  const write = (entry: Entry) => {
    const text = `${JSON.stringify(entry)}\n`;
    sizeBytes += text.length;
    if (descriptor !== undefined) writeSync(descriptor, text);
  };

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    reportLines(context, log, reported + 1, waiting);
    reported += waiting.length;
    waiting = [];
    write({ reported });
  }

  function take(stream: Stream, text: string): void {
    if (reported + waiting.length >= MAX_LINES || sizeBytes > MAX_BYTES) {
      left += 1;
      return;
    }
    const redacted = redactLine(context.redactor, text, depth);
    depth = redacted.depth;
    const line: Line = [Date.now(), stream, redacted.text];
    write(line);
    waiting.push(line);
    if (waiting.length >= context.settings.logBatchLines) flush();
    else timer ??= setTimeout(flush, context.settings.logBatchMs).unref();
  }

  const opened: DeploymentLog = {
    line(stream, text) {
      if (descriptor === undefined) return;
      for (const line of text.split(/\r?\n/)) take(stream, line);
    },
    close() {
      if (descriptor === undefined) return;
      flush();
      if (left > 0) {
        reported += left;
        waiting = [
          [
            Date.now(),
            'system',
            `${left} lines before this one were left out: the log was too long`,
          ],
        ];
        flush();
      }
      // From here on only the last number is needed, for a log that is opened once more.
      ftruncateSync(descriptor);
      write({ reported });
      closeSync(descriptor);
      descriptor = undefined;
      open.delete(path);
    },
  };
  open.set(path, opened);
  if (waiting.length > 0) flush();
  return opened;
}

/** Reads a log that an earlier run left: how many of its lines were reported, and which ones wait. A torn last line was never taken. */
function readBack(path: string): { reported: number; waiting: Line[]; sizeBytes: number } {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return { reported: 0, waiting: [], sizeBytes: 0 };
  }
  let reported = 0;
  let waiting: Line[] = [];
  for (const row of text.split('\n')) {
    const entry = parse(row);
    if (entry === undefined) continue;
    if ('reported' in entry) [reported, waiting] = [entry.reported, []];
    else waiting.push(entry);
  }
  if (text !== '' && !text.endsWith('\n')) mend(path);
  return { reported, waiting, sizeBytes: text.length };
}

/** Ends a torn last row, so that the next one begins on a line of its own. */
function mend(path: string): void {
  const descriptor = openSync(path, 'a');
  writeSync(descriptor, '\n');
  closeSync(descriptor);
}

function parse(row: string): Entry | undefined {
  try {
    return JSON.parse(row) as Entry;
  } catch {
    return undefined;
  }
}

function forgetOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > REMEMBERED_MS && !open.has(path)) rmSync(path, { force: true });
  }
}
