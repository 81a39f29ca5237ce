import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { EntityManager } from '@mikro-orm/sql';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import type { ProjectSchema } from '@serverflow/gen/es/serverflow/project/v1/project_pb';
import { ProjectService } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { App } from '../apps/entity.ts';
import { callOf, inScope, reading, type Caller } from '../guard/call.ts';
import { change } from '../guard/change.ts';
import { nextPage, readPage } from '../store/page.ts';
import { Environment, Project, type ProjectRow } from './entity.ts';
import * as projects from './projects.ts';

const method = ProjectService.method;

/** ProjectService: messages to rules and back. */
export const projectRpc: ServiceImpl<typeof ProjectService> = {
  createProject: (request, context) =>
    change(
      context,
      method.createProject,
      request,
      async ({ em, organization, call, about, changed }) => {
        const row = await projects.createProject(em, organization, request);
        about('project', row.name, 'made the project');
        changed(ThingKind.PROJECT, row.id, row.name);
        await em.flush();
        return { project: await toProject(em, call.caller, row) };
      },
    ),

  getProject: async (request, context) => {
    const call = callOf(context);
    const em = reading(call);
    return {
      project: await toProject(
        em,
        call.caller,
        await projects.findProject(em, call.caller, request.project),
      ),
    };
  },

  listProjects: async (request, context) => {
    const call = callOf(context);
    const em = reading(call);
    const page = readPage(request);
    const scope =
      call.caller.kind === 'token' && call.caller.projects.length > 0
        ? { id: { $in: [...call.caller.projects] } }
        : {};
    const found = await em.find(Project, scope, {
      orderBy: { name: 'asc' },
      limit: page.limit + 1,
      offset: page.offset,
    });
    const { rows, nextPageToken } = nextPage(page, found);
    return {
      projects: await Promise.all(rows.map((row) => toProject(em, call.caller, row))),
      nextPageToken,
    };
  },

  updateProject: (request, context) =>
    change(context, method.updateProject, request, async ({ em, call, about, changed }) => {
      const row = await projects.findProject(em, call.caller, request.project);
      if (request.displayName !== undefined) row.displayName = request.displayName;
      about('project', row.name, 'renamed the project');
      changed(ThingKind.PROJECT, row.id, row.name);
      return { project: await toProject(em, call.caller, row) };
    }),

  deleteProject: (request, context) =>
    change(context, method.deleteProject, request, async ({ em, call, about, changed }) => {
      const row = await projects.findProject(em, call.caller, request.project);
      await projects.deleteProject(em, row);
      about('project', row.name, 'deleted the project');
      changed(ThingKind.PROJECT, row.id, row.name);
      return {};
    }),

  createEnvironment: (request, context) =>
    change(context, method.createEnvironment, request, async ({ em, call, about, changed }) => {
      const row = await projects.findProject(em, call.caller, request.project);
      await projects.createEnvironment(em, row, request.name);
      about('project', row.name, `added the environment ${request.name}`);
      changed(ThingKind.PROJECT, row.id, row.name);
      await em.flush();
      return { project: await toProject(em, call.caller, row) };
    }),

  deleteEnvironment: (request, context) =>
    change(context, method.deleteEnvironment, request, async ({ em, call, about, changed }) => {
      const row = await projects.findProject(em, call.caller, request.project);
      const environment = await projects.findEnvironment(em, call.caller, row, request.environment);
      await projects.deleteEnvironment(em, row, environment);
      about('project', row.name, `deleted the environment ${environment.name}`);
      changed(ThingKind.PROJECT, row.id, row.name);
      await em.flush();
      return { project: await toProject(em, call.caller, row) };
    }),
};

async function toProject(
  em: EntityManager,
  caller: Caller,
  row: ProjectRow,
): Promise<MessageInitShape<typeof ProjectSchema>> {
  const environments = await em.find(
    Environment,
    { project: row.id },
    { orderBy: { name: 'asc' } },
  );
  const visible = environments.filter((environment) => inScope(caller, row.id, environment.name));
  const counted = await Promise.all(
    visible.map(async ({ id, name }) => ({
      id,
      name,
      appCount: await em.count(App, { environment: id }),
    })),
  );
  return {
    id: row.id,
    name: row.name,
    displayName: row.displayName || row.name,
    environments: counted,
    appCount: counted.reduce((sum, environment) => sum + environment.appCount, 0),
    createTime: timestampFromDate(row.createdAt),
  };
}
