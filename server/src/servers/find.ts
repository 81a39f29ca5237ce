import type { EntityManager } from '@mikro-orm/sql';
import { notFound } from '../guard/problems.ts';
import { Server, type ServerRow } from './entity.ts';

/** Finds a server of the organization by name or id; throws NOT_FOUND. */
export async function findServer(em: EntityManager, nameOrId: string): Promise<ServerRow> {
  const row = await em.findOne(Server, { $or: [{ name: nameOrId }, { id: nameOrId }] });
  if (!row) {
    throw notFound('server', nameOrId, {
      method: 'serverflow.server.v1.ServerService/ListServers',
      argumentsJson: '{}',
    });
  }
  return row;
}
