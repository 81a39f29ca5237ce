import { Report } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { SegmentReader, type Segment } from './segment.ts';

/** A report as it goes over the wire. */
export type Spooled = { readonly sequence: number; readonly bytes: Buffer };

/** Reads a spool in order, across its segments and while it grows. */
export class SpoolReader {
  #next: number;
  readonly #segments: () => readonly Segment[];
  #reader: SegmentReader | undefined;

  constructor(first: number, segments: () => readonly Segment[]) {
    this.#next = first;
    this.#segments = segments;
  }

  /** Returns the reports that come next, as many as one read gives; none means that there are none yet. */
  read(): Spooled[] {
    const reports = this.#readAhead();
    this.#next += reports.length;
    return reports;
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  #readAhead(): Spooled[] {
    for (;;) {
      const segments = this.#segments();
      const oldest = segments[0]?.first ?? 1;
      if (this.#next < oldest) return emptyReports(this.#next, oldest);
      const segment = segments.find((each) => this.#next >= each.first && this.#next < each.end);
      if (segment === undefined) return [];
      if (this.#reader?.segment !== segment) {
        this.close();
        this.#reader = new SegmentReader(segment);
      }
      const first = this.#reader.next;
      const records = this.#reader.read();
      const ahead = records
        .map((bytes, index) => ({ sequence: first + index, bytes }))
        .filter(({ sequence }) => sequence >= this.#next);
      if (ahead.length > 0 || records.length === 0) return ahead;
    }
  }
}

/** What a control plane that was set back asks for again is gone here: the numbers are all that can be given. */
function emptyReports(from: number, until: number): Spooled[] {
  return Array.from({ length: Math.min(1000, until - from) }, (_, index) => {
    const sequence = from + index;
    const report = Report.encode({ sequence: BigInt(sequence), body: undefined });
    return { sequence, bytes: Buffer.from(report.finish()) };
  });
}
