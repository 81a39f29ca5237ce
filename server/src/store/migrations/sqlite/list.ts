import type { Migration } from '@mikro-orm/migrations';
import { Migration20261125090828_initial } from './Migration20261125090828_initial.ts';

/** The migrations of SQLite, oldest first. */
export const migrations: {
  name: string;
  class: new (...args: ConstructorParameters<typeof Migration>) => Migration;
}[] = [{ name: 'Migration20261125090828_initial', class: Migration20261125090828_initial }];
