import type { Context } from '../context.ts';
import { cutLine } from './chunk.ts';

/** After this many lines a private key that never ends is taken for a mistake, so that it cannot hide a whole log. */
const KEY_LINES = 200;

/** How deep inside a private key block a log is, in lines; 0 means outside. It is kept with the log's place in its file. */
export type KeyDepth = number;

/** Redacts one line of a log that is read line by line: known secrets, credentials, and the lines of private keys. */
export function redactLine(
  redactor: Context['redactor'],
  line: string,
  depth: KeyDepth,
): { text: string; depth: KeyDepth } {
  const isEnd = /-----END [A-Z0-9 ]*PRIVATE KEY-----/.test(line);
  const isBegin = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(line);
  if (depth > 0 && depth < KEY_LINES) return { text: '[redacted]', depth: isEnd ? 0 : depth + 1 };
  if (isBegin && !isEnd) {
    const before = line.slice(0, line.search(/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/));
    return { text: cutLine(`${redactor.text(before)}[redacted]`), depth: 1 };
  }
  return { text: cutLine(redactor.text(line)), depth: 0 };
}
