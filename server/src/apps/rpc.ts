import type { ServiceImpl } from '@connectrpc/connect';
import { AppAction as Do } from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { AppAction, type AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { Deployment } from '../deployments/entity.ts';
import { placeOrder } from '../fleet/outbox.ts';
import { mustBeDone } from '../fleet/outcome.ts';
import { callOf, reading, type Call } from '../guard/call.ts';
import { change } from '../guard/change.ts';
import { notFound, problem, Reason } from '../guard/problems.ts';
import { logKey } from '../logs/store.ts';
import { Environment, Project } from '../projects/entity.ts';
import { findEnvironment, findProject } from '../projects/projects.ts';
import { Server } from '../servers/entity.ts';
import { findServer } from '../servers/find.ts';
import { nextPage, readPage } from '../store/page.ts';
import * as apps from './apps.ts';
import { App, Release, type AppRow } from './entity.ts';
import { toApps, toRelease } from './messages.ts';
import { readSettings } from './settings.ts';
import { checkSource } from './source.ts';

const method = AppService.method;
const verbs = {
  [AppAction.START]: 'started',
  [AppAction.STOP]: 'stopped',
  [AppAction.RESTART]: 'restarted',
} as const;
const orders = {
  [AppAction.START]: Do.START,
  [AppAction.STOP]: Do.STOP,
  [AppAction.RESTART]: Do.RESTART,
} as const;

/** AppService: messages to rules and back. */
export const appRpc: ServiceImpl<typeof AppService> = {
  createApp: (request, context) =>
    change(context, method.createApp, request, async ({ em, call, about, changed }) => {
      const place = await apps.findPlace(em, call.caller, request);
      const source = { repository: '', ref: '', directory: '', ...request.source };
      checkSource(source, place.server.facts?.repositoryHosts ?? []);
      const row = await apps.createApp(em, place, {
        name: request.name,
        repository: source.repository,
        ref: source.ref,
        directory: source.directory,
        kind: request.kind,
        settings: readSettings(request.settings),
      });
      about('app', row.name, `made the app on ${place.server.name}`);
      changed(ThingKind.APP, row.id, row.name);
      await em.flush();
      return { app: (await toApps(em, [row], online(call)))[0]! };
    }),

  getApp: async (request, context) => {
    const call = callOf(context);
    const em = reading(call);
    return {
      app: (await toApps(em, [await apps.findApp(em, call.caller, request.app)], online(call)))[0]!,
    };
  },

  listApps: async (request, context) => {
    const call = callOf(context);
    const em = reading(call);
    const page = readPage(request);
    const project = request.project
      ? await findProject(em, call.caller, request.project)
      : undefined;
    const where = {
      $and: [
        await apps.scopeOf(em, call.caller),
        project ? { project: project.id } : {},
        request.environment
          ? { environment: { $in: await environmentIds(call, request.environment, project?.id) } }
          : {},
        request.server ? { server: (await findServer(em, request.server)).id } : {},
      ],
    };
    const found = await em.find(App, where, {
      orderBy: { name: 'asc' },
      limit: page.limit + 1,
      offset: page.offset,
    });
    const { rows, nextPageToken } = nextPage(page, found);
    return { apps: await toApps(em, rows, online(call)), nextPageToken };
  },

  updateApp: (request, context) =>
    change(context, method.updateApp, request, async ({ em, call, about, changed }) => {
      const row = await apps.findApp(em, call.caller, request.app);
      const server = await em.findOneOrFail(Server, row.server);
      if (request.source) {
        checkSource(request.source, server.facts?.repositoryHosts ?? []);
        [row.repository, row.ref, row.directory] = [
          request.source.repository,
          request.source.ref,
          request.source.directory,
        ];
      }
      if (request.settings) row.settings = readSettings(request.settings);
      if (request.kind !== undefined) row.kind = request.kind;
      about('app', row.name, 'changed the app');
      changed(ThingKind.APP, row.id, row.name);
      return { app: (await toApps(em, [row], online(call)))[0]! };
    }),

  deleteApp: (request, context) =>
    change(context, method.deleteApp, request, async (part) => {
      const { em, call, about, changed } = part;
      const row = await apps.findApp(em, call.caller, request.app);
      placeOrder(
        part,
        row.server,
        { case: 'removeApp', value: { $typeName: 'serverflow.agent.v1.RemoveApp', appId: row.id } },
        row.id,
      );
      const deployments = await em.find(Deployment, { app: row.id });
      const logs = [logKey(row.id), ...deployments.map(({ id }) => logKey(row.id, id))];
      part.afterCommit(() => call.parts.logs.remove(logs));
      await apps.deleteApp(em, row);
      about('app', row.name, 'deleted the app');
      changed(ThingKind.APP, row.id, row.name);
      return {};
    }),

  controlApp: async (request, context) => {
    const call = callOf(context);
    const before = await apps.findApp(reading(call), call.caller, request.app);
    let order = '';
    const planned = await change(context, method.controlApp, request, async (part) => {
      const row = await apps.findApp(part.em, call.caller, request.app);
      if (row.servingRelease === 0)
        throw problem(Reason.APP_STATE, {
          app: row.name,
          state: 'not deployed yet',
          action: 'this',
        });
      if (!call.parts.fleet.isOnline(row.server))
        throw problem(Reason.SERVER_OFFLINE, {
          server: (await part.em.findOneOrFail(Server, row.server)).name,
        });
      const action = orders[request.action as keyof typeof orders];
      order = placeOrder(
        part,
        row.server,
        {
          case: 'controlApp',
          value: { $typeName: 'serverflow.agent.v1.ControlApp', appId: row.id, action },
        },
        row.id,
      );
      part.about('app', row.name, `${verbs[request.action as keyof typeof verbs]} the app`);
      part.changed(ThingKind.APP, row.id, row.name);
      return {
        app: (await toApps(part.em, [row], online(call)))[0]!,
        stateBefore: before.state as AppState,
      };
    });
    if (request.validateOnly || !order) return planned;
    mustBeDone(await call.parts.fleet.waitOrder(call, order));
    const em = reading(call);
    return {
      app: (await toApps(em, [await apps.findApp(em, call.caller, before.id)], online(call)))[0]!,
      stateBefore: before.state as AppState,
    };
  },

  listReleases: async (request, context) => {
    const call = callOf(context);
    const em = reading(call);
    const app: AppRow = await apps.findApp(em, call.caller, request.app);
    const page = readPage(request);
    const found = await em.find(
      Release,
      { app: app.id },
      { orderBy: { number: 'desc' }, limit: page.limit + 1, offset: page.offset },
    );
    const { rows, nextPageToken } = nextPage(page, found);
    return { releases: rows.map((row) => toRelease(row, app)), nextPageToken };
  },
};

function online(call: Call): (server: string) => boolean {
  return (server) => call.parts.fleet.isOnline(server);
}

async function environmentIds(
  call: Call,
  name: string,
  project: string | undefined,
): Promise<string[]> {
  const em = reading(call);
  if (project)
    return [
      (await findEnvironment(em, call.caller, await em.findOneOrFail(Project, project), name)).id,
    ];
  const rows = await em.find(Environment, { name });
  if (rows.length === 0) throw notFound('environment', name);
  return rows.map((row) => row.id);
}
