import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EntityManager } from '@mikro-orm/sql';
import type {
  AppKind,
  AppSpecSchema,
  SealedVariableSchema,
} from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { Domain } from '../domains/entity.ts';
import { Variable, type AppRow } from './entity.ts';
import { filledSettings } from './settings.ts';

/** The state of a domain that is on its way out; the number of DomainState REMOVING. */
const removing = 4;

/** An app as its agent must know it, with every default filled in. */
export async function specOf(
  em: EntityManager,
  app: AppRow,
): Promise<MessageInitShape<typeof AppSpecSchema>> {
  const domains = await em.find(Domain, { app: app.id, state: { $ne: removing } });
  return {
    appId: app.id,
    name: app.name,
    kind: app.kind as AppKind,
    repository: app.repository,
    directory: app.directory,
    settings: filledSettings(app.settings),
    domains: domains.map((row) => row.hostname).toSorted(),
  };
}

/** The app's variables, as they are sealed, in ascending order of their names. */
export async function sealedVariables(
  em: EntityManager,
  app: AppRow,
): Promise<MessageInitShape<typeof SealedVariableSchema>[]> {
  const rows = await em.find(Variable, { app: app.id });
  return rows
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((row) => ({ name: row.name, sealed: new Uint8Array(row.sealed), version: row.version }));
}
