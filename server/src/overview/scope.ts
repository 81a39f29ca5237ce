import type { EntityManager } from '@mikro-orm/sql';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { scopeOf } from '../apps/apps.ts';
import { App, type AppRow } from '../apps/entity.ts';
import { Domain } from '../domains/entity.ts';
import type { Caller } from '../guard/call.ts';

/** Whether the caller is a token that covers only some projects or environments. */
export function isNarrow(caller: Caller): boolean {
  return caller.kind === 'token' && (caller.projects.length > 0 || caller.environments.length > 0);
}

/** The apps that the caller's scope covers. */
export async function appsInScope(em: EntityManager, caller: Caller): Promise<AppRow[]> {
  return em.find(App, await scopeOf(em, caller), { orderBy: { name: 'asc' } });
}

/** Tells which things the caller's scope covers, by kind and name. A narrow token sees its apps and what hangs on them, and servers. */
export async function visible(
  em: EntityManager,
  caller: Caller,
): Promise<(kind: ThingKind, name: string) => boolean> {
  if (!isNarrow(caller)) return () => true;
  const apps = await appsInScope(em, caller);
  const names = new Set(apps.map((app) => app.name));
  const domains = await em.find(Domain, { app: { $in: apps.map((app) => app.id) } });
  const hostnames = new Set(domains.map((domain) => domain.hostname));
  return (kind, name) => {
    if (kind === ThingKind.SERVER) return true;
    if (kind === ThingKind.DOMAIN) return hostnames.has(name);
    const ofApp =
      kind === ThingKind.APP || kind === ThingKind.DEPLOYMENT || kind === ThingKind.VARIABLES;
    return ofApp && names.has(name.split('#')[0] ?? '');
  };
}
