import { Migration } from '@mikro-orm/migrations';

export class Migration20261125084646_change extends Migration {
  override name = 'Migration20261125084646_change';

  override up(): void | Promise<void> {
    this.addSql(`alter table \`orders\` add column \`mark\` text not null default '';`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table \`orders\` drop column \`mark\`;`);
  }
}
