import type { ServiceImpl } from '@connectrpc/connect';
import { AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import type { OverviewService } from '@serverflow/gen/es/serverflow/overview/v1/overview_service_pb';
import { callOf, organizationOf, reading } from '../guard/call.ts';
import { problem, Reason } from '../guard/problems.ts';
import { changesTopic } from '../live.ts';
import { Server } from '../servers/entity.ts';
import { follow } from '../streams.ts';
import { Client } from '../tokens/entity.ts';
import { findBroken, findChanged, findRunning } from './overview.ts';
import { appsInScope, visible } from './scope.ts';

/** OverviewService: what is broken, what runs, what changed. */
export const overviewRpc: ServiceImpl<typeof OverviewService> = {
  getOverview: async (_request, context) => {
    const call = callOf(context);
    const em = reading(call);
    const { isOnline } = call.parts.fleet;
    const apps = await appsInScope(em, call.caller);
    const servers = await em.find(Server, {});
    const running = await findRunning(em, apps);
    return {
      broken: await findBroken(em, apps, isOnline),
      running,
      changed: await findChanged(em, call.caller),
      counts: {
        servers: servers.length,
        serversOnline: servers.filter((server) => isOnline(server.id)).length,
        apps: apps.length,
        appsServing: apps.filter((app) => app.state === AppState.SERVING).length,
        deploymentsRunning: running.length,
        clients: await em.count(Client, {}),
      },
    };
  },

  async *watchChanges(request, context) {
    const call = callOf(context);
    const organization = organizationOf(call);
    if (request.cursor && !/^[0-9a-f]{12}-[0-9]{1,15}$/.test(request.cursor))
      throw problem(Reason.BAD_CURSOR);
    let { cursor } = request;
    yield* follow(call, [changesTopic(organization)], async (why) => {
      const since = call.parts.changes.since(organization, cursor);
      cursor = since.cursor;
      const isVisible = await visible(reading(call), call.caller);
      const changes = since.changes.filter((change) => isVisible(change.kind, change.name));
      if (why === 'wake' && changes.length === 0 && !since.missed) return { message: undefined };
      return {
        message: {
          cursor,
          changes: changes.map(({ kind, id, name }) => ({ kind, id, name })),
          missed: since.missed,
        },
      };
    });
  },
};
