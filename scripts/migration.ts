// Writes the migration that is missing between the entities and the last snapshot, and the list of migrations.
// Before the first release there is one: with --initial the old one is dropped and made anew.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initOrm } from '../server/src/store/store.ts';

const folder = new URL('../server/src/store/migrations/sqlite', import.meta.url).pathname;
const files = () =>
  readdirSync(folder)
    .filter((name) => /^Migration\d+.*\.ts$/.test(name))
    .toSorted();

if (process.argv.includes('--initial')) {
  for (const name of [...files(), '.snapshot.json']) rmSync(join(folder, name), { force: true });
}
const orm = await initOrm(':memory:');
await orm.migrator.create(undefined, false, false, files().length === 0 ? 'initial' : 'change');
await orm.close();

const names = files().map((file) => file.replace(/\.ts$/, ''));
writeFileSync(
  join(folder, 'list.ts'),
  [
    "import type { Migration } from '@mikro-orm/migrations';",
    ...names.map((name) => `import { ${name} } from './${name}.ts';`),
    '',
    '/** The migrations of SQLite, oldest first. */',
    'export const migrations: {',
    '  name: string;',
    '  class: new (...args: ConstructorParameters<typeof Migration>) => Migration;',
    `}[] = [${names.map((name) => `{ name: '${name}', class: ${name} }`).join(', ')}];`,
    '',
  ].join('\n'),
);
