import type { NumberedLine } from './chunk.ts';
import type { LogStore } from './store.ts';

/** How many characters of text one answer carries at the most, and how many lines one search looks through. */
const mostCharacters = 1024 * 1024;
const mostScanned = 200_000;

/** A page of a log, oldest line first; `before` is where the page before begins, 0 when there is none. */
export type LogPage = { readonly lines: NumberedLine[]; readonly before: number };

/** Looks for the last lines before a number (or the newest) that hold a text in any case. It ends early, with a `before`, when it has much to give or to look through. */
export function searchLog(
  logs: LogStore,
  key: string,
  wanted: { contains: string; before: number; limit: number },
): LogPage {
  const needle = wanted.contains.toLowerCase();
  const found: NumberedLine[] = [];
  let [scanned, characters] = [0, 0];
  for (const chunk of logs.before(key, wanted.before)) {
    for (const line of chunk.toReversed()) {
      const full =
        found.length >= wanted.limit || characters >= mostCharacters || scanned >= mostScanned;
      if (full) return { lines: found.toReversed(), before: line.number + 1 };
      scanned += 1;
      if (needle && !line.text.toLowerCase().includes(needle)) continue;
      found.push(line);
      characters += line.text.length;
    }
  }
  return { lines: found.toReversed(), before: 0 };
}

/** How many lines one message of a tail carries at the most. */
const batch = 500;

/** The next lines of a tail: consecutive ones, after `gap` lost ones; `more` says that others are there already. */
export type LogStep = {
  readonly lines: NumberedLine[];
  readonly gap: number;
  readonly more: boolean;
};

/** Reads on after a number: one run of consecutive lines, so that a loss always stands between two messages. */
export function readOn(logs: LogStore, key: string, after: number): LogStep {
  const lines: NumberedLine[] = [];
  let characters = 0;
  for (const chunk of logs.after(key, after)) {
    for (const line of chunk) {
      const previous = lines.at(-1);
      const full = lines.length >= batch || characters >= mostCharacters;
      if (previous && (full || line.number !== previous.number + 1))
        return { lines, gap: lines[0]!.number - after - 1, more: true };
      lines.push(line);
      characters += line.text.length;
    }
  }
  return { lines, gap: lines[0] ? lines[0].number - after - 1 : 0, more: false };
}
