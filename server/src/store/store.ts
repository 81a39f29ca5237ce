import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM, SqliteDriver, type EntityManager } from '@mikro-orm/sql';
import { Domain } from '../domains/entity.ts';
import { entities } from './entities.ts';
import { migrations } from './migrations/sqlite/list.ts';
import { openSqlite, sqliteDialect } from './sqlite.ts';
import { everyTenant, forTenant } from './tenant.ts';

/** MikroORM as this store opens it. */
export type Orm = Awaited<ReturnType<typeof initOrm>>;

/** The database of the domain. */
export type Store = {
  /** An entity manager that sees one organization. */
  readonly tenant: (organization: string) => EntityManager;
  /** An entity manager that sees all: for the control plane's own work only. */
  readonly all: () => EntityManager;
  readonly orm: Orm;
  /** Whether a host name is taken in any organization; asked through the given transaction. */
  readonly hostnameTaken: (em: EntityManager, hostname: string) => Promise<boolean>;
  /** Answers why the database cannot be used, or undefined. */
  readonly check: () => Promise<string | undefined>;
  readonly close: () => Promise<void>;
};

/** Opens the database, a file or ":memory:", and brings it up to date. */
export async function openStore(file: string): Promise<Store> {
  const orm = await initOrm(file);
  await orm.migrator.up();
  return {
    tenant: (organization) => forTenant(orm.em, organization),
    all: () => forTenant(orm.em, everyTenant),
    orm,
    hostnameTaken: async (em, hostname) =>
      (await em.count(Domain, { hostname }, { filters: { tenant: false } })) > 0,
    check: async () =>
      (await orm.checkConnection()).ok ? undefined : 'the database does not answer',
    close: () => orm.close(),
  };
}

/** Opens the database without touching its schema; for the migration tool and its test. */
export async function initOrm(file: string) {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  return MikroORM.init({
    driver: SqliteDriver,
    dbName: file,
    driverOptions: sqliteDialect(openSqlite(file)),
    entities,
    extensions: [Migrator],
    migrations: {
      migrationsList: migrations,
      path: new URL('./migrations/sqlite', import.meta.url).pathname,
      snapshotName: '.snapshot',
      emit: 'ts',
      transactional: true,
      disableForeignKeys: false,
    },
    forceUtcTimezone: true,
    debug: false,
    logger: () => {},
  });
}
