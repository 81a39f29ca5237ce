import type { LogChunk, LogLine } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { LogStream } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { Context } from '../context.ts';
import type { Stream } from './log.ts';

/** The bound of a line's text in the contract, in bytes. */
export const LINE_BYTES = 16 * 1024;
/** The bound of a chunk's text, in bytes: far under gRPC's 4 MiB for a message, and little to keep in memory. */
export const CHUNK_BYTES = 512 * 1024;

/** A line as it is kept on disk until it is reported: when it was read, where it came from, its redacted text. */
export type Line = readonly [timeMs: number, stream: Stream, text: string];

const STREAMS: Readonly<Record<Stream, LogStream>> = {
  stdout: LogStream.LOG_STREAM_STDOUT,
  stderr: LogStream.LOG_STREAM_STDERR,
  system: LogStream.LOG_STREAM_SYSTEM,
};

/** Which log a chunk belongs to; an empty deployment means the app's own. */
export type LogName = { readonly appId: string; readonly deploymentId: string };

/** Reports lines whose numbers begin at `firstNumber`, in chunks within the contract's bounds. */
export function reportLines(
  { report, settings }: Pick<Context, 'report' | 'settings'>,
  log: LogName,
  firstNumber: number,
  lines: readonly Line[],
): void {
  for (let from = 0; from < lines.length;) {
    const to = endOfChunk(lines, from, settings.logBatchLines);
    const value: LogChunk = {
      ...log,
      firstNumber: BigInt(firstNumber + from),
      lines: lines.slice(from, to).map(([timeMs, stream, text]): LogLine => ({
        timeMs: BigInt(timeMs),
        stream: STREAMS[stream],
        text,
      })),
    };
    report({ $case: 'log', value });
    from = to;
  }
}

function endOfChunk(lines: readonly Line[], from: number, maxLines: number): number {
  let sizeBytes = 0;
  for (let at = from; at < lines.length; at += 1) {
    sizeBytes += Buffer.byteLength(lines[at]?.[2] ?? '');
    if (at > from && (sizeBytes > CHUNK_BYTES || at - from >= maxLines)) return at;
  }
  return lines.length;
}

/** Cuts a text to a line's bound, between characters. */
export function cutLine(text: string): string {
  if (Buffer.byteLength(text) <= LINE_BYTES) return text;
  const bytes = Buffer.from(text);
  return bytes.subarray(0, boundary(bytes, LINE_BYTES)).toString();
}

/** The last place at or before `at` that does not split a UTF-8 character; `at` itself where the bytes are no UTF-8. */
export function boundary(bytes: Buffer, at: number): number {
  let place = at;
  while (place > at - 4 && place > 0 && ((bytes[place] ?? 0) & 0xc0) === 0x80) place -= 1;
  return ((bytes[place] ?? 0) & 0xc0) === 0x80 ? at : place;
}
