import { closeSync, openSync, readSync } from 'node:fs';
import { boundary, LINE_BYTES } from './chunk.ts';

/** A line of a file, and where the next one begins. */
export type FileLine = { readonly text: string; readonly end: number };

/** How much is read at once, in bytes; far more than a line. */
const READ_BYTES = 256 * 1024;

/**
 * Reads the lines of a file between two places. A line of more than 16 KiB is cut into several, between characters. What
 * follows the last line break waits for the rest of its line, unless `isFinal` says that none will come.
 */
export function readLines(path: string, from: number, to: number, isFinal: boolean): FileLine[] {
  const bytes = readBytes(path, from, Math.min(to, from + READ_BYTES));
  const lines: FileLine[] = [];
  let at = 0;
  while (at < bytes.length) {
    const found = bytes.indexOf(10, at);
    const end = found === -1 ? bytes.length : found;
    if (end - at > LINE_BYTES) {
      const cut = boundary(bytes, at + LINE_BYTES);
      lines.push({ text: bytes.toString('utf8', at, cut), end: from + cut });
      at = cut;
      continue;
    }
    if (found === -1 && !isFinal) break;
    const textEnd = end > at && bytes[end - 1] === 13 ? end - 1 : end;
    const next = found === -1 ? end : end + 1;
    lines.push({ text: bytes.toString('utf8', at, textEnd), end: from + next });
    at = next;
  }
  return lines;
}

function readBytes(path: string, from: number, to: number): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const bytes = Buffer.allocUnsafe(Math.max(0, to - from));
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, from));
  } finally {
    closeSync(descriptor);
  }
}
