import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { LogChunkSchema, type LogStream } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';

/** One line as it is kept; stream is the number of a LogStream. */
export type Line = { readonly timeMs: number; readonly stream: number; readonly text: string };

/** A line with its number in its log. */
export type NumberedLine = Line & { readonly number: number };

/** Packs lines: a protobuf of a chunk's lines, compressed with zstd. */
export function packLines(lines: readonly Line[]): Uint8Array {
  const chunk = create(LogChunkSchema, {
    lines: lines.map((line) => ({
      timeMs: BigInt(line.timeMs),
      stream: line.stream as LogStream,
      text: line.text,
    })),
  });
  return zstdCompressSync(toBinary(LogChunkSchema, chunk));
}

/** Unpacks what packLines made, numbering from `first`. */
export function unpackLines(bytes: Uint8Array, first: number): NumberedLine[] {
  return fromBinary(LogChunkSchema, zstdDecompressSync(bytes)).lines.map((line, index) => ({
    number: first + index,
    timeMs: Number(line.timeMs),
    stream: line.stream,
    text: line.text,
  }));
}
