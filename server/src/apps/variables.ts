import type { EntityManager } from '@mikro-orm/sql';
import { sealTo, variableAad, variableInfo } from '@serverflow/agent/envelope';
import { notFound, problem, Reason } from '../guard/problems.ts';
import { Server, type ServerRow } from '../servers/entity.ts';
import { newId } from '../store/ids.ts';
import { Variable, type AppRow, type VariableRow } from './entity.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { Wanted } from './variable-input.ts';

/** How many bytes the sealed variables of one app may have together, so that an order that carries them stays under the envelope's 1 MiB. */
const mostSealedBytes = 512 * 1024;

/** How many variables one app may have; its agent refuses more. */
const mostVariables = 500;

/** A server that has connected, with the key to which values are sealed. */
export type SealingServer = ServerRow & { publicKey: string; sealingKey: string };

/** The server to whose agent an app's values are sealed; throws SERVER_NOT_ENROLLED. */
export async function findSealingServer(em: EntityManager, app: AppRow): Promise<SealingServer> {
  const server = await em.findOneOrFail(Server, app.server);
  const { publicKey, sealingKey } = server;
  if (!publicKey || !sealingKey) throw problem(Reason.SERVER_NOT_ENROLLED, { server: server.name });
  return server as SealingServer;
}

/**
 * Sets variables under the app's next version: each text is sealed to the agent at once, and only what is no secret is kept readable.
 * Throws SERVER_NOT_ENROLLED, or BAD_VARIABLE when all together are too many or too large.
 */
export async function setVariables(
  em: EntityManager,
  app: AppRow,
  wanted: readonly Wanted[],
  by: { email: string; fingerprint: Fingerprint },
): Promise<VariableRow[]> {
  const server = await findSealingServer(em, app);
  const known = await em.find(Variable, { app: app.id });
  app.variablesVersion += 1;
  const rows = wanted.map((one) => {
    const values = {
      secret: one.kind === 'sealed' || one.secret,
      plain: one.kind === 'text' && !one.secret ? one.text : '',
      sealed: Buffer.from(one.kind === 'sealed' ? one.sealed : seal(server, app, one)),
      version: app.variablesVersion,
      fingerprint: one.kind === 'text' ? by.fingerprint(app.organization, one.text) : '',
      updatedAt: new Date(),
      updatedBy: by.email,
    };
    const row = known.find(({ name }) => name === one.name);
    if (row) return Object.assign(row, values);
    const key = { id: newId('var'), organization: app.organization, app: app.id, name: one.name };
    return em.create(Variable, { ...key, ...values });
  });
  const all = new Set([...known, ...rows]);
  const bytes = [...all].reduce((sum, row) => sum + row.sealed.length, 0);
  const bounds = `an app may have ${mostVariables} variables and ${mostSealedBytes / 1024} KiB of them in all`;
  if (all.size > mostVariables || bytes > mostSealedBytes)
    throw problem(Reason.BAD_VARIABLE, { name: wanted[0]?.name ?? '', why: bounds });
  return rows;
}

function seal(server: SealingServer, app: AppRow, one: { name: string; text: string }): Uint8Array {
  return sealTo(
    Buffer.from(server.sealingKey, 'base64'),
    variableInfo(app.organization, server.id, app.id),
    variableAad(one.name, app.variablesVersion),
    Buffer.from(one.text, 'utf8'),
  );
}

/** Deletes variables; throws NOT_FOUND for a name that is not there, before any is gone. */
export async function deleteVariables(
  em: EntityManager,
  app: AppRow,
  names: readonly string[],
): Promise<void> {
  const rows = await em.find(Variable, { app: app.id, name: { $in: [...names] } });
  const missing = names.find((name) => !rows.some((row) => row.name === name));
  if (missing !== undefined)
    throw notFound('variable', missing, {
      method: 'serverflow.app.v1.VariableService/ListVariables',
      argumentsJson: JSON.stringify({ app: app.name }),
    });
  for (const row of rows) em.remove(row);
  app.variablesVersion += 1;
}
