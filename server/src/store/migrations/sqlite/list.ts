import type { Migration } from '@mikro-orm/migrations';
import { Migration20261125081414_initial } from './Migration20261125081414_initial.ts';
import { Migration20261125084646_change } from './Migration20261125084646_change.ts';

/** The migrations of SQLite, oldest first. */
export const migrations: {
  name: string;
  class: new (...args: ConstructorParameters<typeof Migration>) => Migration;
}[] = [
  { name: 'Migration20261125081414_initial', class: Migration20261125081414_initial },
  { name: 'Migration20261125084646_change', class: Migration20261125084646_change },
];
