import type { LogLine } from '@serverflow/gen/es/serverflow/log/v1/log_pb';

/** A row of the view: a line, or a place where lines were lost. */
export type Row = { line: LogLine } | { gap: number; before: number };

/** The most rows that are kept in the browser; the oldest leave first, a tenth at a time. */
export const MOST_ROWS = 200_000;

/** The number of a row: of its line, or of the line after the gap. */
export function rowNumber(row: Row): number {
  return 'line' in row ? row.line.number : row.before;
}

/** Puts lines behind the rows, after a gap where some were lost; lines that are known are not taken twice. */
export function appended(rows: Row[], lines: LogLine[], gap = 0, most = MOST_ROWS): Row[] {
  const last = rows.at(-1);
  const known = last ? rowNumber(last) : 0;
  const fresh = lines.filter((line) => line.number > known);
  if (!fresh.length && !gap) return rows;
  const next: Row[] =
    rows.length + fresh.length > most ? rows.slice(Math.ceil(most / 10)) : [...rows];
  if (gap > 0) next.push({ gap, before: fresh[0]?.number ?? known + gap });
  for (const line of fresh) next.push({ line });
  return next.length > most ? next.slice(-most) : next;
}

/** Puts older lines before the rows. */
export function prepended(rows: Row[], lines: LogLine[]): Row[] {
  const first = rows[0] ? rowNumber(rows[0]) : Infinity;
  return [...lines.filter((line) => line.number < first).map((line) => ({ line })), ...rows];
}

/** The index of the row with a line's number, or the first after it; -1 when all are before it. */
export function indexOf(rows: Row[], number: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row && rowNumber(row) < number) low = middle + 1;
    else high = middle;
  }
  return low < rows.length ? low : -1;
}
