import { readdirSync, renameSync } from 'node:fs';
import { Report } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { ReportBody } from './context.ts';
import { makePrivateFolder, syncFolder } from './files.ts';
import { Segment } from './segment.ts';
import { SpoolReader } from './spool-reader.ts';

/** The largest message that a control plane takes, less what goes around it. */
const LARGEST_REPORT = 1024 * 1024 - 1024;
const LARGEST_SEGMENT = 4 * 1024 * 1024;

/**
 * Numbers reports and keeps them on disk until they are acknowledged, so that neither a cut connection nor a kill -9 loses or doubles
 * one. It is bounded: beyond that, log chunks and samples go, oldest first, and leave their numbers as empty reports.
 */
export class Spool {
  /** Whether an earlier run's reports were damaged and put aside. */
  readonly foundDamage: boolean;
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #listeners = new Set<() => void>();
  #segments: Segment[];
  #acknowledged: number;
  /** The first number of this run; nothing from it on can have been sent before this run connects. */
  #firstOfRun: number;
  #hasConnected = false;
  #isSyncScheduled = false;

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    makePrivateFolder(folder);
    const segments = loadSegments(folder);
    this.foundDamage = segments === undefined;
    if (segments === undefined) {
      renameSync(folder, `${folder}.damaged-${Date.now()}`);
      makePrivateFolder(folder);
    }
    this.#segments = segments?.length ? segments : [Segment.create(folder, 1)];
    this.#firstOfRun = this.next;
    this.#acknowledged = (this.#segments[0]?.first ?? 1) - 1;
  }

  /** The number of the next report. */
  get next(): number {
    return this.#newest.end;
  }

  /** How many reports are not acknowledged yet. */
  get pending(): number {
    return this.next - 1 - this.#acknowledged;
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  /** Numbers and keeps a report. When it returns, kill -9 cannot lose it; one sync for many makes it durable a moment later. */
  append(body: ReportBody): void {
    const mayDrop = isDroppable(body);
    if (this.sizeBytes > this.#maxBytes) this.#thin();
    // Where nothing is left to drop, the line numbers of the log show what is missing.
    if (mayDrop && this.sizeBytes > this.#maxBytes) return;
    if (this.#newest.sizeBytes > Math.min(LARGEST_SEGMENT, this.#maxBytes / 8)) this.#rotate();
    try {
      this.#newest.append(encode(this.next, body));
    } catch (error) {
      if (mayDrop && isDiskFull(error)) return;
      throw error;
    }
    this.#scheduleSync();
    for (const listener of this.#listeners) listener();
  }

  /** Forgets reports that the control plane keeps. */
  acknowledge(sequence: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, Math.min(sequence, this.next - 1));
    if (this.pending === 0 && this.#newest.sizeBytes > 256 * 1024) this.#rotate();
    while (this.#segments.length > 1 && (this.#segments[0]?.end ?? 0) - 1 <= this.#acknowledged) {
      this.#segments.shift()?.remove();
    }
  }

  /**
   * Goes on after the last number that the control plane keeps. Where that is one of this run before this run has sent any, a loss
   * of power or of the spool took the ones it keeps: this run's are numbered anew, so that they are not taken for those.
   */
  resume(acknowledged: number): void {
    if (!this.#hasConnected && acknowledged >= this.#firstOfRun) this.#renumber(acknowledged + 1);
    this.#hasConnected = true;
    this.#acknowledged = acknowledged;
    this.acknowledge(acknowledged);
  }

  /** Reads the reports after a number. */
  reader(after: number): SpoolReader {
    return new SpoolReader(after + 1, () => this.#segments);
  }

  /** Calls back whenever there is more; returns how to stop that. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes everything durable. */
  flush(): void {
    this.#newest.syncNow();
  }

  async close(): Promise<void> {
    this.flush();
    await this.#newest.close();
  }

  get #newest(): Segment {
    const newest = this.#segments.at(-1);
    if (newest === undefined) throw new Error('The spool has no segment.');
    return newest;
  }

  #scheduleSync(): void {
    if (this.#isSyncScheduled) return;
    this.#isSyncScheduled = true;
    setImmediate(async () => {
      this.#isSyncScheduled = false;
      // A disk that fails is heard of when an order ends: then everything is synced before the journal says so.
      await this.#newest.sync().catch(() => undefined);
    });
  }

  #rotate(): void {
    this.flush();
    void this.#newest.close();
    this.#segments.push(Segment.create(this.#folder, this.next));
  }

  /** Empties droppable reports, oldest segments first, until there is some room. */
  #thin(): void {
    for (const segment of this.#segments) {
      if (this.sizeBytes < this.#maxBytes * 0.9) return;
      if (segment.isThin || segment === this.#newest) continue;
      segment.rewrite((record) => {
        const report = Report.decode(record);
        return report.body && isDroppable(report.body)
          ? Report.encode({ sequence: report.sequence, body: undefined }).finish()
          : record;
      });
      segment.isThin = true;
    }
  }

  #renumber(first: number): void {
    const old = this.#segments;
    void this.#newest.close();
    const segment = Segment.create(this.#folder, first);
    for (const each of old) {
      for (const record of each.records()) {
        const report = Report.decode(record);
        if (Number(report.sequence) < this.#firstOfRun) continue;
        segment.append(Report.encode({ ...report, sequence: BigInt(segment.end) }).finish());
      }
    }
    segment.syncNow();
    // A crash before this line leaves both; then the numbers have a hole, and all of it is put aside as damaged.
    for (const each of old) each.remove();
    syncFolder(this.#folder);
    this.#segments = [segment];
    this.#firstOfRun = first;
  }
}

/** One report that the control plane cannot take would stand in the way of all that follow. */
function encode(sequence: number, body: ReportBody): Uint8Array {
  const report = Report.encode({ sequence: BigInt(sequence), body }).finish();
  if (report.length <= LARGEST_REPORT) return report;
  throw new RangeError(`A report of ${report.length} bytes is too large; cut its texts.`);
}

/** Opens the segments of an earlier run; undefined means that they are damaged. */
function loadSegments(folder: string): Segment[] | undefined {
  const names = readdirSync(folder)
    .filter((name) => /^[0-9]{16}\.reports$/.test(name))
    .sort();
  const segments = names.map((name) => new Segment(folder, Number.parseInt(name, 10)));
  const areGood = segments.every((segment, index) => {
    const before = segments[index - 1];
    return (
      segment.load(index === segments.length - 1) &&
      (before === undefined || before.end === segment.first)
    );
  });
  return areGood ? segments : undefined;
}

/** What may be lost when the disk would fill: the numbers of the lines show it. */
const isDroppable = (body: ReportBody): boolean => body.$case === 'log' || body.$case === 'sample';

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
