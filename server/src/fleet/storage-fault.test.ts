import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { isStorageFault } from './reports.ts';

function thrownBy(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

test('a full or read-only database is a fault of the disk, a broken rule is one of the report', () => {
  const db = new DatabaseSync(':memory:');
  db.exec(
    'create table rows (id integer primary key, text blob); insert into rows values (1, null)',
  );
  expect(isStorageFault(thrownBy(() => db.exec('insert into rows values (1, null)')))).toBe(false);
  db.exec('pragma max_page_count = 3');
  const full = thrownBy(() => db.exec('insert into rows values (2, zeroblob(100000))'));
  expect(full).toBeInstanceOf(Error);
  expect(isStorageFault(full)).toBe(true);
  db.exec('pragma query_only = on');
  expect(isStorageFault(thrownBy(() => db.exec('insert into rows values (3, null)')))).toBe(true);
  expect(isStorageFault(new Error('anything else'))).toBe(false);
  db.close();
});
