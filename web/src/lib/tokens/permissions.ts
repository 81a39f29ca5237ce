import { Permission } from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { m } from '#lib/paraglide/messages.js';

/** What a permission lets its holder do, in a few words. */
export const permissionTitles: Partial<Record<Permission, () => string>> = {
  [Permission.PROJECTS_READ]: m.permission_projects_read,
  [Permission.PROJECTS_WRITE]: m.permission_projects_write,
  [Permission.SERVERS_READ]: m.permission_servers_read,
  [Permission.SERVERS_WRITE]: m.permission_servers_write,
  [Permission.SERVERS_CONTROL]: m.permission_servers_control,
  [Permission.APPS_READ]: m.permission_apps_read,
  [Permission.APPS_WRITE]: m.permission_apps_write,
  [Permission.APPS_CONTROL]: m.permission_apps_control,
  [Permission.APPS_DEPLOY]: m.permission_apps_deploy,
  [Permission.VARIABLES_READ]: m.permission_variables_read,
  [Permission.VARIABLES_WRITE]: m.permission_variables_write,
  [Permission.DOMAINS_READ]: m.permission_domains_read,
  [Permission.DOMAINS_WRITE]: m.permission_domains_write,
  [Permission.LOGS_READ]: m.permission_logs_read,
  [Permission.METRICS_READ]: m.permission_metrics_read,
  [Permission.AUDIT_READ]: m.permission_audit_read,
};

/** The permissions that a token may hold; managing tokens and the organization is for persons only. */
export const grantable = Object.keys(permissionTitles).map(Number) as Permission[];
