import { timestampDate } from '@bufbuild/protobuf/wkt';
import { plain } from './ansi.ts';
import type { Row } from './buffer.ts';

/** Saves the rows that are loaded as a text file: time and text, without colours. */
export function save(rows: Row[], name: string): void {
  const text = rows
    .map((row) =>
      'line' in row
        ? `${row.line.time ? timestampDate(row.line.time).toISOString() : ''} ${plain(row.line.text)}`
        : `--- ${row.gap} lines lost ---`,
    )
    .join('\n');
  const address = URL.createObjectURL(new Blob([text, '\n'], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
