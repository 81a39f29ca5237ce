import { Report } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { SegmentReader, type Segment } from './segment.ts';

/** A report as it goes over the wire. */
export type Spooled = { readonly sequence: number; readonly bytes: Buffer };

type View = { readonly segments: readonly Segment[]; readonly durable: number };

/** Reads a spool in order, across its segments and while it grows. */
export class SpoolReader {
  #next: number;
  readonly #view: () => View;
  #reader: SegmentReader | undefined;
  #ahead: Spooled[] = [];

  constructor(first: number, view: () => View) {
    this.#next = first;
    this.#view = view;
  }

  /** Returns the durable reports that come next, as many as one read gives; none means that there are none yet. */
  read(): Spooled[] {
    if (this.#ahead.length === 0) this.#ahead = this.#readAhead();
    const { durable } = this.#view();
    const ready = this.#ahead.filter(({ sequence }) => sequence <= durable);
    this.#ahead = this.#ahead.slice(ready.length);
    this.#next += ready.length;
    return ready;
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  #readAhead(): Spooled[] {
    for (;;) {
      const { segments } = this.#view();
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
