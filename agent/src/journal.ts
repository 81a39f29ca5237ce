import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Complaint } from './complaint.ts';
import { syncFolder, writeDurably } from './files.ts';
import { frame, scanFrames } from './frames.ts';

/** How many finished orders are remembered at least; a control plane delivers again only what it has no receipt for. */
const REMEMBERED = 4096;
/** The file is rewritten without what is forgotten when it is opened at, or grows by, more than this, in bytes. */
const COMPACT_ABOVE = 8 * 1024 * 1024;

/** What the journal knows of an order: that it began, with its exact bytes, or how it ended, with the receipt's bytes. */
export type Entry =
  | { readonly state: 'started'; readonly order: Buffer }
  | { readonly state: 'done'; readonly receipt: Buffer };

type Line = { readonly id: string; readonly order?: string; readonly receipt?: string };

/** The orders that this agent began and ended, on disk before it goes on: each is run at most once, restarts included. */
export class Journal {
  readonly #file: string;
  readonly #entries = new Map<string, Entry>();
  #descriptor: number;
  #size: number;
  #compactAt: number;

  /** Opens or makes the file; throws a Complaint JOURNAL_UNREADABLE when anything but its last record is damaged. */
  constructor(file: string) {
    this.#file = file;
    const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    const { records, goodBytes, end } = scanFrames(bytes);
    if (end === 'damaged') throw unreadable(file, `it is damaged at byte ${goodBytes}`);
    for (const record of records) this.#remember(parseLine(file, record));
    this.#descriptor = openSync(file, 'a', 0o600);
    if (end === 'torn') ftruncateSync(this.#descriptor, goodBytes);
    fdatasyncSync(this.#descriptor);
    syncFolder(dirname(file));
    this.#size = goodBytes;
    this.#compactAt = COMPACT_ABOVE;
    if (goodBytes > COMPACT_ABOVE) this.#compact();
  }

  /** Returns what is known of an order. */
  find(orderId: string): Entry | undefined {
    return this.#entries.get(orderId);
  }

  /** Notes that an order begins; on disk when it returns. */
  started(orderId: string, order: Uint8Array): void {
    this.#append({ id: orderId, order: Buffer.from(order).toString('base64') });
  }

  /** Notes how an order ended; on disk when it returns. */
  done(orderId: string, receipt: Uint8Array): void {
    this.#append({ id: orderId, receipt: Buffer.from(receipt).toString('base64') });
    if (this.#size > this.#compactAt) this.#compact();
  }

  /** Returns the orders that began and did not end, oldest first. */
  unfinished(): { orderId: string; order: Buffer }[] {
    return [...this.#entries].flatMap(([orderId, entry]) =>
      entry.state === 'started' ? [{ orderId, order: entry.order }] : [],
    );
  }

  /** How many bytes the file has. */
  get sizeBytes(): number {
    return this.#size;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #append(line: Line): void {
    const bytes = frame(Buffer.from(JSON.stringify(line)));
    try {
      writeSync(this.#descriptor, bytes);
      fdatasyncSync(this.#descriptor);
    } catch (error) {
      // A record that is half there would make the next one damage.
      ftruncateSync(this.#descriptor, this.#size);
      throw error;
    }
    this.#size += bytes.length;
    this.#remember(line);
  }

  #remember({ id, order, receipt }: Line): void {
    this.#entries.delete(id);
    if (receipt !== undefined) {
      this.#entries.set(id, { state: 'done', receipt: Buffer.from(receipt, 'base64') });
    } else if (order !== undefined) {
      this.#entries.set(id, { state: 'started', order: Buffer.from(order, 'base64') });
    }
  }

  #compact(): void {
    const surplus = this.#entries.size - REMEMBERED;
    for (const [id, entry] of [...this.#entries].slice(0, Math.max(0, surplus))) {
      if (entry.state === 'done') this.#entries.delete(id);
    }
    const lines = [...this.#entries].map(([id, entry]): Line =>
      entry.state === 'done'
        ? { id, receipt: entry.receipt.toString('base64') }
        : { id, order: entry.order.toString('base64') },
    );
    const bytes = Buffer.concat(lines.map((line) => frame(Buffer.from(JSON.stringify(line)))));
    writeDurably(this.#file, bytes);
    closeSync(this.#descriptor);
    this.#descriptor = openSync(this.#file, 'a', 0o600);
    this.#size = bytes.length;
    this.#compactAt = bytes.length + COMPACT_ABOVE;
  }
}

function parseLine(file: string, record: Buffer): Line {
  try {
    const { id, order, receipt } = Object(JSON.parse(record.toString())) as Record<string, unknown>;
    if (typeof id === 'string' && typeof order === 'string') return { id, order };
    if (typeof id === 'string' && typeof receipt === 'string') return { id, receipt };
  } catch {
    // Sound checksums around something else: not written by this version.
  }
  throw unreadable(file, 'it holds a record of another kind');
}

function unreadable(file: string, why: string): Complaint {
  return new Complaint(
    'JOURNAL_UNREADABLE',
    `The journal ${file} cannot be trusted: ${why}. Look at what the apps do, then move the file away and restart the agent.`,
  );
}
