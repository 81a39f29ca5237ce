import type { EntityManager } from '@mikro-orm/sql';

/** Stands for every tenant: what the control plane itself may see, when it hears an agent or starts up. */
export const everyTenant = '*';

/**
 * The filter of every entity that belongs to an organization. It is on by default, and a fork of the
 * entity manager that was not given a tenant throws, so that nothing is ever read across tenants by oversight.
 */
export const tenantFilter = {
  tenant: {
    name: 'tenant',
    cond: (args: { organization?: string }) => {
      if (!args.organization) throw new Error('This entity manager has no tenant.');
      return args.organization === everyTenant ? {} : { organization: args.organization };
    },
    default: true,
    args: true,
  },
} as const;

/** Makes a fresh entity manager that sees one organization, or everyTenant. */
export function forTenant(em: EntityManager, organization: string): EntityManager {
  const fork = em.fork({ clear: true });
  fork.setFilterParams('tenant', { organization });
  return fork;
}
