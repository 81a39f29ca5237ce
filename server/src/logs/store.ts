import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { packLines, unpackLines, type Line, type NumberedLine } from './chunk.ts';
import { redact } from './redact.ts';

/** How many bytes of one log are kept, packed (about ten times as much text); beyond it the oldest chunks go. */
const bytesPerLog = 32 * 1024 * 1024;

/** The logs of all apps and deployments, in a database file of their own, past the unit of work: only appended, in packed chunks. */
export type LogStore = {
  /**
   * Appends lines numbered from `first`, redacted once more. What is there already is left out, so that a chunk that comes twice
   * or overlaps the one before has effect once.
   */
  readonly append: (key: string, first: number, lines: readonly Line[]) => void;
  /** The number of the last line of a log; 0 while it is empty. */
  readonly last: (key: string) => number;
  /** The chunks that hold a line after `after`, oldest first, unpacked as they are asked for. */
  readonly after: (key: string, after: number) => Iterable<NumberedLine[]>;
  /** The chunks that hold a line before `before`, newest first, unpacked as they are asked for. */
  readonly before: (key: string, before: number) => Iterable<NumberedLine[]>;
  /** Forgets whole logs. */
  readonly remove: (keys: readonly string[]) => void;
  readonly close: () => void;
};

/** The key of an app's own log or, with a deployment's id, of that deployment's. */
export function logKey(app: string, deployment = ''): string {
  return deployment ? `deployment:${deployment}` : `app:${app}`;
}

/** The topic that tells that a log grew. */
export function logTopic(key: string): string {
  return `log:${key}`;
}

const schema = `
  CREATE TABLE IF NOT EXISTS logs (
    key TEXT PRIMARY KEY, last INTEGER NOT NULL, bytes INTEGER NOT NULL, key_lines_left INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS chunks (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, lines BLOB NOT NULL,
    UNIQUE (key, first)
  ) STRICT;
`;

type LogRow = { last: number; bytes: number; key_lines_left: number };
type ChunkRow = { first: number; count: number; lines: Uint8Array };

/** Opens the file, or ":memory:", and makes its tables where they are missing. */
export function openLogStore(file: string, limit = bytesPerLog): LogStore {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
  db.exec(schema);
  const find = db.prepare('SELECT last, bytes, key_lines_left FROM logs WHERE key = ?');
  const note = db.prepare('INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?)');
  const insert = db.prepare('INSERT INTO chunks (key, first, count, lines) VALUES (?, ?, ?, ?)');
  const oldest = db.prepare(
    'SELECT id, length(lines) AS size FROM chunks WHERE key = ? ORDER BY first LIMIT 1',
  );
  const drop = db.prepare('DELETE FROM chunks WHERE id = ?');
  const next = db.prepare(
    'SELECT first, count, lines FROM chunks WHERE key = ? AND first > ? ORDER BY first LIMIT 1',
  );
  const previous = db.prepare(
    'SELECT first, count, lines FROM chunks WHERE key = ? AND first <= ? ORDER BY first DESC LIMIT 1',
  );
  const forget = [
    db.prepare('DELETE FROM chunks WHERE key = ?'),
    db.prepare('DELETE FROM logs WHERE key = ?'),
  ];
  const rowOf = (key: string) => find.get(key) as LogRow | undefined;
  const at = (statement: typeof next, key: string, number: number) =>
    statement.get(key, number) as ChunkRow | undefined;

  return {
    append(key, first, lines) {
      const log = rowOf(key) ?? { last: 0, bytes: 0, key_lines_left: 0 };
      const fresh = lines.slice(Math.max(0, log.last + 1 - first));
      if (fresh.length === 0) return;
      const start = first + lines.length - fresh.length;
      const { texts, keyLinesLeft } = redact(
        fresh.map((line) => line.text),
        log.key_lines_left,
      );
      const packed = packLines(fresh.map((line, index) => ({ ...line, text: texts[index]! })));
      let bytes = log.bytes + packed.length;
      transaction(db, () => {
        insert.run(key, start, fresh.length, packed);
        while (bytes > limit) {
          const row = oldest.get(key) as { id: number; size: number } | undefined;
          if (!row) break;
          drop.run(row.id);
          bytes -= row.size;
        }
        note.run(key, start + fresh.length - 1, bytes, keyLinesLeft);
      });
    },
    last: (key) => rowOf(key)?.last ?? 0,
    *after(key, after) {
      const holding = at(previous, key, after + 1);
      let chunk =
        holding && holding.first + holding.count - 1 > after ? holding : at(next, key, after);
      for (; chunk; chunk = at(next, key, chunk.first)) {
        yield unpackLines(chunk.lines, chunk.first).filter((line) => line.number > after);
      }
    },
    *before(key, before) {
      let chunk = at(previous, key, before - 1);
      for (; chunk; chunk = at(previous, key, chunk.first - 1)) {
        yield unpackLines(chunk.lines, chunk.first).filter((line) => line.number < before);
      }
    },
    remove(keys) {
      transaction(db, () => {
        for (const key of keys) for (const statement of forget) statement.run(key);
      });
    },
    close: () => db.close(),
  };
}

function transaction(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    work();
    db.exec('COMMIT');
  } catch (thrown) {
    db.exec('ROLLBACK');
    throw thrown;
  }
}
