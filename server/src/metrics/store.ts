import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  SampleReportSchema,
  type SampleReport,
} from '@serverflow/gen/es/serverflow/agent/v1/report_pb';

/** How long samples are kept: 24 hours, in milliseconds. */
const keptMs = 24 * 3_600_000;

/** The measurements of all servers, in a database file of their own, past the unit of work: one packed row per server and moment. */
export type MetricStore = {
  /** Keeps what a server measured at one moment, and forgets what is older than a day. The same moment again has no effect. */
  readonly take: (server: string, report: SampleReport) => void;
  /** The newest measurements of a server, from memory where they came in this run. */
  readonly last: (server: string) => SampleReport | undefined;
  /** A server's measurements after a moment (milliseconds since 1970), oldest first. */
  readonly after: (server: string, timeMs: number, limit: number) => SampleReport[];
  /** Forgets a server. */
  readonly remove: (server: string) => void;
  readonly close: () => void;
};

/** The topic that tells that a server's measurements came. */
export function metricsTopic(server: string): string {
  return `metrics:${server}`;
}

const schema = `
  CREATE TABLE IF NOT EXISTS samples (
    server TEXT NOT NULL, time_ms INTEGER NOT NULL, report BLOB NOT NULL, PRIMARY KEY (server, time_ms)
  ) STRICT, WITHOUT ROWID;
`;

type Row = { report: Uint8Array };

/** Opens the file, or ":memory:", and makes its table where it is missing. */
export function openMetricStore(file: string): MetricStore {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
  db.exec(schema);
  const insert = db.prepare('INSERT OR IGNORE INTO samples VALUES (?, ?, ?)');
  const expire = db.prepare('DELETE FROM samples WHERE server = ? AND time_ms < ?');
  const forget = db.prepare('DELETE FROM samples WHERE server = ?');
  const newest = db.prepare(
    'SELECT report FROM samples WHERE server = ? ORDER BY time_ms DESC LIMIT 1',
  );
  const select = db.prepare(
    'SELECT report FROM samples WHERE server = ? AND time_ms > ? ORDER BY time_ms LIMIT ?',
  );
  const unpack = (row: Row) => fromBinary(SampleReportSchema, row.report);
  const cache = new Map<string, SampleReport>();

  return {
    take(server, report) {
      const timeMs = Number(report.timeMs);
      insert.run(server, timeMs, toBinary(SampleReportSchema, report));
      expire.run(server, timeMs - keptMs);
      if (Number(cache.get(server)?.timeMs ?? 0) <= timeMs) cache.set(server, report);
    },
    last(server) {
      const row = cache.has(server) ? undefined : (newest.get(server) as Row | undefined);
      return row ? unpack(row) : cache.get(server);
    },
    after: (server, timeMs, limit) =>
      (select.all(server, timeMs, limit) as Row[]).map((row) => unpack(row)),
    remove(server) {
      forget.run(server);
      cache.delete(server);
    },
    close: () => db.close(),
  };
}
