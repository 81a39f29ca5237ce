import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { syncFolder, writeDurably } from './files.ts';
import { frame, scanFrames } from './frames.ts';

/** How much is read at once, in bytes. */
const CHUNK = 256 * 1024;

/** One file of the spool: consecutive reports, the first one's number in its name. */
export class Segment {
  readonly first: number;
  readonly file: string;
  count = 0;
  sizeBytes = 0;
  /** Whether its droppable reports are gone already. */
  isThin = false;
  #descriptor: number | undefined;
  #syncing: Promise<void> | undefined;

  constructor(folder: string, first: number) {
    this.first = first;
    this.file = join(folder, `${String(first).padStart(16, '0')}.reports`);
  }

  /** Makes an empty one; its name is durable. */
  static create(folder: string, first: number): Segment {
    const segment = new Segment(folder, first);
    segment.#open();
    syncFolder(folder);
    return segment;
  }

  /** The number after the last one in it. */
  get end(): number {
    return this.first + this.count;
  }

  /** Counts what an earlier run left; false means that it is damaged. Only the newest may end in the middle of a record. */
  load(isNewest: boolean): boolean {
    const { records, goodBytes, end } = scanFrames(readFileSync(this.file));
    if (end === 'damaged' || (end === 'torn' && !isNewest)) return false;
    this.count = records.length;
    this.sizeBytes = goodBytes;
    if (end === 'torn') ftruncateSync(this.#open(), goodBytes);
    return true;
  }

  /** Appends a record; a write that fails leaves the file as it was. */
  append(record: Uint8Array): void {
    const bytes = frame(record);
    try {
      writeSync(this.#open(), bytes);
    } catch (error) {
      ftruncateSync(this.#open(), this.sizeBytes);
      throw error;
    }
    this.sizeBytes += bytes.length;
    this.count++;
  }

  /** Makes everything in it durable before it returns. */
  syncNow(): void {
    if (this.#descriptor !== undefined) fdatasyncSync(this.#descriptor);
  }

  /** Makes everything that is in it by now durable, without holding up the process. */
  sync(): Promise<void> {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return Promise.resolve();
    this.#syncing = new Promise((done, fail) => {
      fdatasync(descriptor, (error) => (error ? fail(error) : done()));
    });
    return this.#syncing;
  }

  /** Writes to it no more. */
  async close(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    await this.#syncing?.catch(() => undefined);
    if (descriptor !== undefined) closeSync(descriptor);
  }

  /** Replaces each of its records; the numbers stay. */
  rewrite(change: (record: Buffer) => Uint8Array): void {
    const bytes = Buffer.concat(this.records().map((record) => frame(change(record))));
    writeDurably(this.file, bytes);
    this.sizeBytes = bytes.length;
  }

  records(): Buffer[] {
    return scanFrames(readFileSync(this.file)).records;
  }

  remove(): void {
    rmSync(this.file, { force: true });
  }

  #open(): number {
    return (this.#descriptor ??= openSync(this.file, 'a', 0o600));
  }
}

/** Reads one segment from its beginning on, also while it grows. */
export class SegmentReader {
  readonly segment: Segment;
  /** The number of the report that comes next. */
  next: number;
  readonly #descriptor: number;
  #offset = 0;

  constructor(segment: Segment) {
    this.segment = segment;
    this.next = segment.first;
    this.#descriptor = openSync(segment.file, 'r');
  }

  /** Returns the records that follow, at least one where there is one, as far as one read goes. */
  read(): Buffer[] {
    const left = fstatSync(this.#descriptor).size - this.#offset;
    for (let size = Math.min(CHUNK, left); size > 0; size = Math.min(size * 4, left)) {
      const buffer = Buffer.allocUnsafe(size);
      const length = readSync(this.#descriptor, buffer, 0, size, this.#offset);
      const { records, goodBytes } = scanFrames(buffer.subarray(0, length));
      if (records.length === 0 && size < left) continue;
      this.#offset += goodBytes;
      this.next += records.length;
      return records;
    }
    return [];
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
