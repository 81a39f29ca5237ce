import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';

/** How long a query waits for the one connection before it fails, in milliseconds: a transaction that awaits something slow is a fault. */
const waitMs = 10_000;

/** Opens a SQLite file as ServerFlow keeps it: WAL, synchronous FULL (audit entries must survive a power cut), foreign keys, 5 s of patience. */
export function openSqlite(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  db.exec(
    'pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma busy_timeout = 5000;',
  );
  return db;
}

/**
 * A Kysely dialect over one node:sqlite connection. SQLite has one writer: a transaction holds the
 * connection, and whoever comes meanwhile waits in line (Kysely's own driver would let them slip into it).
 */
export function sqliteDialect(db: DatabaseSync): Dialect {
  return {
    createDriver: () => new OneConnection(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
  };
}

class OneConnection implements Driver {
  readonly #db: DatabaseSync;
  readonly #connection: DatabaseConnection;
  #line: Promise<void> = Promise.resolve();
  #leave: () => void = () => {};

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#connection = connectionOf(db);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#line;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#line = before.then(() => promise);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((tell) => (timer = setTimeout(tell, waitMs, 'late')));
    const won = await Promise.race([before, late]);
    clearTimeout(timer);
    if (won === 'late') {
      resolve();
      throw new Error(
        `The database was busy for ${waitMs} ms: a transaction waits for something slow.`,
      );
    }
    this.#leave = resolve;
    return this.#connection;
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  async savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`savepoint "${name}"`));
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`rollback to "${name}"`));
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`release "${name}"`));
  }

  async releaseConnection(): Promise<void> {
    this.#leave();
  }

  async destroy(): Promise<void> {
    this.#db.close();
  }
}

const keptStatements = 300;

function connectionOf(db: DatabaseSync): DatabaseConnection {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string) => {
    const known = statements.get(sql);
    if (known) return known;
    const made = db.prepare(sql);
    if (statements.size < keptStatements && /^\s*(select|insert|update|delete)/i.test(sql))
      statements.set(sql, made);
    return made;
  };
  return {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const values = query.parameters.map(toSqlite);
      const statement = prepare(query.sql);
      if (/^\s*(select|pragma|explain|with)/i.test(query.sql) || /\breturning\b/i.test(query.sql)) {
        return { rows: statement.all(...values) as R[] };
      }
      const { changes, lastInsertRowid } = statement.run(...values);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    },
    // eslint-disable-next-line require-yield
    async *streamQuery() {
      throw new Error('Streaming queries are not used on SQLite.');
    },
  };
}

function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === undefined) return null;
  if (value instanceof Date) return value.getTime();
  return value as SQLInputValue;
}
