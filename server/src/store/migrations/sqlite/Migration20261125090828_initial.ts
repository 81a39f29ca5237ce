import { Migration } from '@mikro-orm/migrations';

export class Migration20261125090828_initial extends Migration {

  override name = 'Migration20261125090828_initial';

  override up(): void | Promise<void> {
    this.addSql(`create table \`apps\` (\`id\` text not null primary key, \`organization\` text not null, \`name\` text not null, \`project\` text not null, \`environment\` text not null, \`server\` text not null, \`repository\` text not null, \`ref\` text not null, \`directory\` text not null, \`kind\` integer not null, \`settings\` json not null, \`state\` integer not null, \`state_detail\` text not null, \`serving_release\` integer not null default 0, \`kept_releases\` json not null, \`urls\` json not null, \`variables_version\` integer not null default 0, \`deployment_count\` integer not null default 0, \`created_at\` datetime not null);`);
    this.addSql(`create index \`apps_organization_index\` on \`apps\` (\`organization\`);`);
    this.addSql(`create index \`apps_project_index\` on \`apps\` (\`project\`);`);
    this.addSql(`create index \`apps_environment_index\` on \`apps\` (\`environment\`);`);
    this.addSql(`create index \`apps_server_index\` on \`apps\` (\`server\`);`);
    this.addSql(`create unique index \`apps_organization_name_unique\` on \`apps\` (\`organization\`, \`name\`);`);

    this.addSql(`create table \`clients\` (\`id\` text not null primary key, \`organization\` text not null, \`token\` text not null, \`name\` text not null, \`version\` text not null, \`first_seen_at\` datetime not null, \`last_seen_at\` datetime not null, \`call_count\` integer not null default 0, \`last_tool\` text not null);`);
    this.addSql(`create index \`clients_organization_index\` on \`clients\` (\`organization\`);`);
    this.addSql(`create unique index \`clients_organization_token_name_version_unique\` on \`clients\` (\`organization\`, \`token\`, \`name\`, \`version\`);`);

    this.addSql(`create table \`deployments\` (\`id\` text not null primary key, \`organization\` text not null, \`app\` text not null, \`number\` integer not null, \`kind\` integer not null, \`state\` integer not null, \`ref\` text not null, \`commit\` text not null, \`commit_message\` text not null, \`release\` integer not null, \`release_before\` integer not null, \`release_after\` integer not null, \`variables_version\` integer not null, \`steps\` json not null, \`failure\` json null, \`requester\` json not null, \`reason\` text not null, \`revision\` integer not null default 1, \`created_at\` datetime not null, \`started_at\` datetime null, \`ended_at\` datetime null);`);
    this.addSql(`create index \`deployments_organization_index\` on \`deployments\` (\`organization\`);`);
    this.addSql(`create index \`deployments_app_index\` on \`deployments\` (\`app\`);`);
    this.addSql(`create index \`deployments_state_index\` on \`deployments\` (\`state\`);`);
    this.addSql(`create unique index \`deployments_app_number_unique\` on \`deployments\` (\`app\`, \`number\`);`);

    this.addSql(`create table \`domains\` (\`id\` text not null primary key, \`organization\` text not null, \`app\` text not null, \`hostname\` text not null, \`state\` integer not null, \`detail\` text not null, \`created_at\` datetime not null);`);
    this.addSql(`create index \`domains_organization_index\` on \`domains\` (\`organization\`);`);
    this.addSql(`create index \`domains_app_index\` on \`domains\` (\`app\`);`);
    this.addSql(`create unique index \`domains_hostname_unique\` on \`domains\` (\`hostname\`);`);

    this.addSql(`create table \`enrollments\` (\`id\` text not null primary key, \`organization\` text not null, \`server\` text not null, \`token_public_key\` text not null, \`state\` integer not null, \`used_from\` text not null, \`last_failure\` text not null, \`revision\` integer not null default 1, \`created_at\` datetime not null, \`expires_at\` datetime not null);`);
    this.addSql(`create index \`enrollments_organization_index\` on \`enrollments\` (\`organization\`);`);
    this.addSql(`create index \`enrollments_server_index\` on \`enrollments\` (\`server\`);`);

    this.addSql(`create table \`environments\` (\`id\` text not null primary key, \`organization\` text not null, \`project\` text not null, \`name\` text not null, \`created_at\` datetime not null);`);
    this.addSql(`create index \`environments_organization_index\` on \`environments\` (\`organization\`);`);
    this.addSql(`create index \`environments_project_index\` on \`environments\` (\`project\`);`);
    this.addSql(`create unique index \`environments_project_name_unique\` on \`environments\` (\`project\`, \`name\`);`);

    this.addSql(`create table \`events\` (\`id\` text not null primary key, \`organization\` text not null, \`number\` integer not null, \`bytes\` blob not null, \`actor_kind\` integer not null, \`outcome\` integer not null, \`method\` text not null, \`resource\` text not null, \`created_at\` datetime not null);`);
    this.addSql(`create index \`events_organization_index\` on \`events\` (\`organization\`);`);
    this.addSql(`create index \`events_resource_index\` on \`events\` (\`resource\`);`);
    this.addSql(`create unique index \`events_organization_number_unique\` on \`events\` (\`organization\`, \`number\`);`);

    this.addSql(`create table \`members\` (\`id\` text not null primary key, \`organization\` text not null, \`user\` text not null, \`role\` text not null, \`created_at\` datetime not null);`);
    this.addSql(`create index \`members_organization_index\` on \`members\` (\`organization\`);`);
    this.addSql(`create index \`members_user_index\` on \`members\` (\`user\`);`);
    this.addSql(`create unique index \`members_organization_user_unique\` on \`members\` (\`organization\`, \`user\`);`);

    this.addSql(`create table \`orders\` (\`id\` text not null primary key, \`organization\` text not null, \`server\` text not null, \`action\` blob not null, \`kind\` text not null, \`actor\` json not null, \`subject\` text not null, \`mark\` text not null default '', \`state\` text not null, \`code\` text not null, \`message\` text not null, \`digests\` json not null, \`created_at\` datetime not null, \`sent_at\` datetime null, \`done_at\` datetime null);`);
    this.addSql(`create index \`orders_organization_index\` on \`orders\` (\`organization\`);`);
    this.addSql(`create index \`orders_server_index\` on \`orders\` (\`server\`);`);
    this.addSql(`create index \`orders_state_index\` on \`orders\` (\`state\`);`);

    this.addSql(`create table \`organizations\` (\`id\` text not null primary key, \`display_name\` text not null, \`audit_count\` integer not null default 0, \`created_at\` datetime not null);`);

    this.addSql(`create table \`projects\` (\`id\` text not null primary key, \`organization\` text not null, \`name\` text not null, \`display_name\` text not null, \`created_at\` datetime not null);`);
    this.addSql(`create index \`projects_organization_index\` on \`projects\` (\`organization\`);`);
    this.addSql(`create unique index \`projects_organization_name_unique\` on \`projects\` (\`organization\`, \`name\`);`);

    this.addSql(`create table \`releases\` (\`id\` text not null primary key, \`organization\` text not null, \`app\` text not null, \`number\` integer not null, \`commit\` text not null, \`commit_message\` text not null, \`variables_version\` integer not null, \`deployment\` integer not null, \`created_at\` datetime not null);`);
    this.addSql(`create index \`releases_organization_index\` on \`releases\` (\`organization\`);`);
    this.addSql(`create index \`releases_app_index\` on \`releases\` (\`app\`);`);
    this.addSql(`create unique index \`releases_app_number_unique\` on \`releases\` (\`app\`, \`number\`);`);

    this.addSql(`create table \`requests\` (\`id\` text not null primary key, \`organization\` text not null, \`caller\` text not null, \`request_id\` text not null, \`method\` text not null, \`digest\` text not null, \`response\` blob not null, \`created_at\` datetime not null);`);
    this.addSql(`create index \`requests_organization_index\` on \`requests\` (\`organization\`);`);
    this.addSql(`create index \`requests_created_at_index\` on \`requests\` (\`created_at\`);`);
    this.addSql(`create unique index \`requests_organization_caller_request_id_unique\` on \`requests\` (\`organization\`, \`caller\`, \`request_id\`);`);

    this.addSql(`create table \`servers\` (\`id\` text not null primary key, \`organization\` text not null, \`name\` text not null, \`public_key\` text null, \`sealing_key\` text null, \`sealing_key_signature\` text null, \`acknowledged\` integer not null default 0, \`facts\` json null, \`ports\` json not null, \`created_at\` datetime not null, \`enrolled_at\` datetime null, \`last_seen_at\` datetime null);`);
    this.addSql(`create index \`servers_organization_index\` on \`servers\` (\`organization\`);`);
    this.addSql(`create unique index \`servers_public_key_unique\` on \`servers\` (\`public_key\`);`);
    this.addSql(`create unique index \`servers_organization_name_unique\` on \`servers\` (\`organization\`, \`name\`);`);

    this.addSql(`create table \`sessions\` (\`id\` text not null primary key, \`organization\` text not null, \`user\` text not null, \`secret_hash\` text not null, \`created_at\` datetime not null, \`last_used_at\` datetime not null, \`expires_at\` datetime not null, \`address\` text not null, \`user_agent\` text not null);`);
    this.addSql(`create index \`sessions_organization_index\` on \`sessions\` (\`organization\`);`);
    this.addSql(`create index \`sessions_user_index\` on \`sessions\` (\`user\`);`);
    this.addSql(`create unique index \`sessions_secret_hash_unique\` on \`sessions\` (\`secret_hash\`);`);

    this.addSql(`create table \`tokens\` (\`id\` text not null primary key, \`organization\` text not null, \`name\` text not null, \`kind\` integer not null, \`permissions\` json not null, \`projects\` json not null, \`environments\` json not null, \`toolsets\` json not null, \`secret_hash\` text not null, \`hint\` text not null, \`created_by\` text not null, \`created_at\` datetime not null, \`expires_at\` datetime not null, \`last_used_at\` datetime null, \`revoked_at\` datetime null);`);
    this.addSql(`create index \`tokens_organization_index\` on \`tokens\` (\`organization\`);`);
    this.addSql(`create unique index \`tokens_secret_hash_unique\` on \`tokens\` (\`secret_hash\`);`);

    this.addSql(`create table \`users\` (\`id\` text not null primary key, \`email\` text not null, \`display_name\` text not null, \`password_hash\` text not null, \`created_at\` datetime not null);`);
    this.addSql(`create unique index \`users_email_unique\` on \`users\` (\`email\`);`);

    this.addSql(`create table \`variables\` (\`id\` text not null primary key, \`organization\` text not null, \`app\` text not null, \`name\` text not null, \`secret\` integer not null, \`plain\` text not null, \`sealed\` blob not null, \`version\` integer not null, \`fingerprint\` text not null, \`updated_at\` datetime not null, \`updated_by\` text not null);`);
    this.addSql(`create index \`variables_organization_index\` on \`variables\` (\`organization\`);`);
    this.addSql(`create index \`variables_app_index\` on \`variables\` (\`app\`);`);
    this.addSql(`create unique index \`variables_app_name_unique\` on \`variables\` (\`app\`, \`name\`);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists \`apps\`;`);
    this.addSql(`drop table if exists \`clients\`;`);
    this.addSql(`drop table if exists \`deployments\`;`);
    this.addSql(`drop table if exists \`domains\`;`);
    this.addSql(`drop table if exists \`enrollments\`;`);
    this.addSql(`drop table if exists \`environments\`;`);
    this.addSql(`drop table if exists \`events\`;`);
    this.addSql(`drop table if exists \`members\`;`);
    this.addSql(`drop table if exists \`orders\`;`);
    this.addSql(`drop table if exists \`organizations\`;`);
    this.addSql(`drop table if exists \`projects\`;`);
    this.addSql(`drop table if exists \`releases\`;`);
    this.addSql(`drop table if exists \`requests\`;`);
    this.addSql(`drop table if exists \`servers\`;`);
    this.addSql(`drop table if exists \`sessions\`;`);
    this.addSql(`drop table if exists \`tokens\`;`);
    this.addSql(`drop table if exists \`users\`;`);
    this.addSql(`drop table if exists \`variables\`;`);
  }

}
