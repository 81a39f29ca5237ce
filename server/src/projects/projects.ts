import type { EntityManager } from '@mikro-orm/sql';
import { App } from '../apps/entity.ts';
import type { Caller } from '../guard/call.ts';
import { inScope } from '../guard/call.ts';
import { notFound, problem, Reason } from '../guard/problems.ts';
import { newId } from '../store/ids.ts';
import { Environment, Project, type EnvironmentRow, type ProjectRow } from './entity.ts';

const listProjects = {
  method: 'serverflow.project.v1.ProjectService/ListProjects',
  argumentsJson: '{}',
};

/** Makes a project with its first environment; throws ALREADY_EXISTS. */
export async function createProject(
  em: EntityManager,
  organization: string,
  input: { name: string; displayName: string; environment: string },
): Promise<ProjectRow> {
  if (await em.findOne(Project, { name: input.name }))
    throw problem(Reason.ALREADY_EXISTS, { resource: 'project', name: input.name });
  const project = em.create(Project, {
    id: newId('prj'),
    organization,
    name: input.name,
    displayName: input.displayName,
    createdAt: new Date(),
  });
  addEnvironment(em, project, input.environment || 'production');
  return project;
}

/** Finds a project by id or name among those the caller's scope covers; throws NOT_FOUND. */
export async function findProject(
  em: EntityManager,
  caller: Caller,
  idOrName: string,
): Promise<ProjectRow> {
  const row = await em.findOne(Project, { $or: [{ id: idOrName }, { name: idOrName }] });
  if (
    !row ||
    (caller.kind === 'token' && caller.projects.length > 0 && !caller.projects.includes(row.id))
  )
    throw notFound('project', idOrName, listProjects);
  return row;
}

/** Finds an environment of a project by id or name; throws NOT_FOUND. */
export async function findEnvironment(
  em: EntityManager,
  caller: Caller,
  project: ProjectRow,
  idOrName: string,
): Promise<EnvironmentRow> {
  const row = await em.findOne(Environment, {
    project: project.id,
    $or: [{ id: idOrName }, { name: idOrName }],
  });
  if (!row || !inScope(caller, project.id, row.name))
    throw notFound('environment', idOrName, listProjects);
  return row;
}

/** Adds an environment; throws ALREADY_EXISTS. */
export async function createEnvironment(
  em: EntityManager,
  project: ProjectRow,
  name: string,
): Promise<void> {
  if (await em.findOne(Environment, { project: project.id, name }))
    throw problem(Reason.ALREADY_EXISTS, { resource: 'environment', name });
  addEnvironment(em, project, name);
}

/** Deletes an environment that holds no apps and is not the project's last; throws NOT_EMPTY or LAST_ONE. */
export async function deleteEnvironment(
  em: EntityManager,
  project: ProjectRow,
  environment: EnvironmentRow,
): Promise<void> {
  await mustHoldNoApps(em, 'environment', environment.name, { environment: environment.id });
  if ((await em.count(Environment, { project: project.id })) === 1)
    throw problem(Reason.LAST_ONE, { resource: 'environment', name: environment.name });
  em.remove(environment);
}

/** Deletes a project that holds no apps; throws NOT_EMPTY. */
export async function deleteProject(em: EntityManager, project: ProjectRow): Promise<void> {
  await mustHoldNoApps(em, 'project', project.name, { project: project.id });
  await em.nativeDelete(Environment, { project: project.id });
  em.remove(project);
}

function addEnvironment(em: EntityManager, project: ProjectRow, name: string): void {
  em.create(Environment, {
    id: newId('env'),
    organization: project.organization,
    project: project.id,
    name,
    createdAt: new Date(),
  });
}

async function mustHoldNoApps(
  em: EntityManager,
  resource: string,
  name: string,
  where: { project: string } | { environment: string },
): Promise<void> {
  const count = await em.count(App, where);
  if (count > 0)
    throw problem(Reason.NOT_EMPTY, {
      resource,
      name,
      holds: count === 1 ? 'one app' : `${count} apps`,
    });
}
