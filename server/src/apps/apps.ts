import type { EntityManager } from '@mikro-orm/sql';
import type { Caller } from '../guard/call.ts';
import { inScope } from '../guard/call.ts';
import { notFound, problem, Reason } from '../guard/problems.ts';
import { Deployment } from '../deployments/entity.ts';
import { Domain } from '../domains/entity.ts';
import { Environment, Project, type EnvironmentRow, type ProjectRow } from '../projects/entity.ts';
import { findEnvironment, findProject } from '../projects/projects.ts';
import { Server, type ServerRow } from '../servers/entity.ts';
import { findServer } from '../servers/find.ts';
import { newId } from '../store/ids.ts';
import { App, Release, Variable, type AppRow } from './entity.ts';

const listApps = { method: 'serverflow.app.v1.AppService/ListApps', argumentsJson: '{}' };

/** Finds an app by name or id among those the caller's scope covers; what is out of scope is not there. Throws NOT_FOUND. */
export async function findApp(
  em: EntityManager,
  caller: Caller,
  nameOrId: string,
): Promise<AppRow> {
  const row = await em.findOne(App, { $or: [{ name: nameOrId }, { id: nameOrId }] });
  const environment = row && (await em.findOneOrFail(Environment, row.environment));
  if (!row || !inScope(caller, row.project, environment?.name ?? ''))
    throw notFound('app', nameOrId, listApps);
  return row;
}

/** The condition that keeps a list of apps within the caller's scope. */
export async function scopeOf(
  em: EntityManager,
  caller: Caller,
): Promise<{ project?: { $in: string[] }; environment?: { $in: string[] } }> {
  if (caller.kind !== 'token') return {};
  const where: { project?: { $in: string[] }; environment?: { $in: string[] } } = {};
  if (caller.projects.length > 0) where.project = { $in: [...caller.projects] };
  if (caller.environments.length > 0) {
    const rows = await em.find(Environment, { name: { $in: [...caller.environments] } });
    where.environment = { $in: rows.map((row) => row.id) };
  }
  return where;
}

/** Where a new app goes. */
export type Place = { project: ProjectRow; environment: EnvironmentRow; server: ServerRow };

/** Finds the place for a new app: what is named, or the only one, main and production. Throws NOT_FOUND, NO_SERVER, SERVER_AMBIGUOUS. */
export async function findPlace(
  em: EntityManager,
  caller: Caller,
  named: { project: string; environment: string; server: string },
): Promise<Place> {
  const project = await findProject(em, caller, named.project || (await onlyProject(em, caller)));
  const environment = await findEnvironment(em, caller, project, named.environment || 'production');
  return { project, environment, server: await findPlacedServer(em, named.server) };
}

async function onlyProject(em: EntityManager, caller: Caller): Promise<string> {
  const scope =
    caller.kind === 'token' && caller.projects.length > 0
      ? { id: { $in: [...caller.projects] } }
      : {};
  const rows = await em.find(Project, scope, { limit: 2 });
  return rows.length === 1 ? rows[0]!.name : 'main';
}

async function findPlacedServer(em: EntityManager, named: string): Promise<ServerRow> {
  if (named) {
    const row = await findServer(em, named);
    if (!row.publicKey) throw problem(Reason.SERVER_NOT_ENROLLED, { server: row.name });
    return row;
  }
  const rows = await em.find(
    Server,
    { publicKey: { $ne: null } },
    { orderBy: { name: 'asc' }, limit: 20 },
  );
  if (rows.length === 0) throw problem(Reason.NO_SERVER);
  if (rows.length > 1)
    throw problem(Reason.SERVER_AMBIGUOUS, { names: rows.map((row) => row.name).join(', ') });
  return rows[0]!;
}

/** Makes an app's row; throws ALREADY_EXISTS. */
export async function createApp(
  em: EntityManager,
  place: Place,
  input: Pick<AppRow, 'name' | 'repository' | 'ref' | 'directory' | 'kind' | 'settings'>,
): Promise<AppRow> {
  if (await em.findOne(App, { name: input.name }))
    throw problem(Reason.ALREADY_EXISTS, { resource: 'app', name: input.name });
  return em.create(App, {
    id: newId('app'),
    organization: place.project.organization,
    ...input,
    project: place.project.id,
    environment: place.environment.id,
    server: place.server.id,
    state: 1,
    stateDetail: '',
    keptReleases: [],
    urls: [],
    createdAt: new Date(),
  });
}

/** Deletes an app's rows with all that hangs on them; what was done stays in the activity. */
export async function deleteApp(em: EntityManager, app: AppRow): Promise<void> {
  await em.nativeDelete(Release, { app: app.id });
  await em.nativeDelete(Variable, { app: app.id });
  await em.nativeDelete(Domain, { app: app.id });
  await em.nativeDelete(Deployment, { app: app.id });
  em.remove(app);
}
