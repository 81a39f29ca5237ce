import { LogStream } from '@serverflow/gen/es/serverflow/log/v1/log_pb';
import type { TailLogsResponse } from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { logs } from '#lib/api/clients.ts';
import { problemOf, type Problem } from '#lib/api/problem.ts';
import type { FollowSpec } from '#lib/live/follow.ts';
import { plain } from './ansi.ts';
import { appended, prepended, type Row } from './buffer.ts';

/** Which log, and which of its lines. */
export interface LogSpec {
  app: string;
  /** The deployment's number; 0 means the app's own log. */
  deployment: number;
  /** Only lines with this text, in any case; the control plane searches the whole log for it. */
  contains: string;
  /** Only what was written to standard error. */
  onlyErrors: boolean;
}

/** How many lines one page holds; the most that the control plane gives. */
const PAGE_LINES = 1_000;
/** Lines that arrive within this many milliseconds are shown together. */
const GATHER_MS = 60;

/** A log as the view shows it: its last lines, older ones on demand, and what comes live. */
export class Log {
  rows = $state.raw<Row[]>([]);
  /** Where the older lines go on; empty at the beginning of the log. */
  before = $state('');
  isRead = $state(false);
  problem = $state.raw<Problem>();
  /** How many rows the last reading of older lines put before the others. */
  prepended = $state(0);
  #spec: LogSpec;
  #waiting: TailLogsResponse[] = [];

  constructor(spec: LogSpec) {
    this.#spec = spec;
  }

  /** The stream to follow: the last page first, then every line after it, without a gap or a double. */
  stream(): Pick<FollowSpec<TailLogsResponse>, 'open' | 'take'> {
    return {
      open: (cursor, signal) => this.#open(cursor, signal),
      take: (message) => {
        if (this.#waiting.push(message) === 1) setTimeout(() => this.#show(), GATHER_MS);
        return message.ended;
      },
    };
  }

  /** Reads the page before the first line that is shown. */
  async older(): Promise<void> {
    if (!this.before) return;
    try {
      const { app, deployment, contains } = this.#spec;
      const page = await logs.searchLogs({
        app,
        deployment,
        contains,
        limit: PAGE_LINES,
        before: this.before,
      });
      const next = prepended(
        this.rows,
        page.lines.filter((line) => this.#fits(line)),
      );
      this.prepended = next.length - this.rows.length;
      this.rows = next;
      this.before = page.before;
      this.problem = undefined;
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  async *#open(cursor: string, signal: AbortSignal): AsyncIterable<TailLogsResponse> {
    const { app, deployment, contains } = this.#spec;
    let from = cursor;
    if (!from) {
      const page = await logs.searchLogs(
        { app, deployment, contains, limit: PAGE_LINES },
        { signal },
      );
      this.rows = appended(
        [],
        page.lines.filter((line) => this.#fits(line)),
      );
      this.before = page.before;
      this.isRead = true;
      from = page.cursor;
    }
    yield* logs.tailLogs({ app, deployment, cursor: from }, { signal });
  }

  #show() {
    let rows = this.rows;
    for (const { lines, gap } of this.#waiting.splice(0)) {
      rows = appended(
        rows,
        lines.filter((line) => this.#fits(line)),
        this.#spec.contains ? 0 : gap,
      );
    }
    if (rows !== this.rows) {
      this.prepended = 0;
      this.rows = rows;
    }
  }

  #fits(line: { text: string; stream: LogStream }): boolean {
    const { contains, onlyErrors } = this.#spec;
    if (onlyErrors && line.stream !== LogStream.STDERR) return false;
    return !contains || plain(line.text).toLowerCase().includes(contains.toLowerCase());
  }
}
