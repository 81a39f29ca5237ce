import type { ServiceImpl } from '@connectrpc/connect';
import {
  ServiceAction as Do,
  ServiceName as Of,
} from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { ServiceAction, ServiceName } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { placeOrder } from '../fleet/outbox.ts';
import { mustBeDone } from '../fleet/outcome.ts';
import { callOf, reading } from '../guard/call.ts';
import { change } from '../guard/change.ts';
import { problem, Reason } from '../guard/problems.ts';
import { nextPage, readPage } from '../store/page.ts';
import { Server, type ServerRow } from './entity.ts';
import { findServer } from './find.ts';
import { toServer, toServices } from './messages.ts';
import { deleteServer, renameServer } from './servers.ts';

const method = ServerService.method;
const services = { [ServiceName.FRONT]: Of.FRONT, [ServiceName.PM2]: Of.PM2 } as const;
const actions = {
  [ServiceAction.START]: Do.START,
  [ServiceAction.STOP]: Do.STOP,
  [ServiceAction.RESTART]: Do.RESTART,
  [ServiceAction.RELOAD]: Do.RELOAD,
} as const;
const words = {
  [ServiceAction.START]: 'started',
  [ServiceAction.STOP]: 'stopped',
  [ServiceAction.RESTART]: 'restarted',
  [ServiceAction.RELOAD]: 'reloaded',
} as const;

/** ServerService: messages to rules and back. */
export const serverRpc: ServiceImpl<typeof ServerService> = {
  getServer: async (request, context) => {
    const em = reading(callOf(context));
    return {
      server: await toServer(em, await findServer(em, request.server), callOf(context).parts),
    };
  },

  listServers: async (request, context) => {
    const em = reading(callOf(context));
    const page = readPage(request);
    const found = await em.find(
      Server,
      {},
      { orderBy: { name: 'asc' }, limit: page.limit + 1, offset: page.offset },
    );
    const { rows, nextPageToken } = nextPage(page, found);
    return {
      servers: await Promise.all(rows.map((row) => toServer(em, row, callOf(context).parts))),
      nextPageToken,
    };
  },

  updateServer: (request, context) =>
    change(context, method.updateServer, request, async ({ em, call, about, changed }) => {
      const row = await findServer(em, request.server);
      if (request.name !== undefined) await renameServer(em, row, request.name);
      about('server', row.name, 'renamed the server');
      changed(ThingKind.SERVER, row.id, row.name);
      return { server: await toServer(em, row, call.parts) };
    }),

  deleteServer: (request, context) =>
    change(
      context,
      method.deleteServer,
      request,
      async ({ em, call, about, changed, afterCommit }) => {
        const row = await findServer(em, request.server);
        await deleteServer(em, row);
        about('server', row.name, 'forgot the server');
        changed(ThingKind.SERVER, row.id, row.name);
        afterCommit(() => {
          call.parts.fleet.end(row.id);
          call.parts.metrics.remove(row.id);
        });
        return {};
      },
    ),

  controlService: async (request, context) => {
    const call = callOf(context);
    let order = '';
    const planned = await change(context, method.controlService, request, async (part) => {
      const row = await findServer(part.em, request.server);
      mustBeOnline(row, call.parts.fleet.isOnline(row.id));
      const value = {
        $typeName: 'serverflow.agent.v1.ControlService',
        service: services[request.service as keyof typeof services],
        action: actions[request.action as keyof typeof actions],
      } as const;
      order = placeOrder(part, row.id, { case: 'controlService', value }, row.id);
      const name = request.service === ServiceName.PM2 ? 'PM2' : 'the front';
      part.about('server', row.name, `${words[request.action as keyof typeof words]} ${name}`);
      part.changed(ThingKind.SERVER, row.id, row.name);
      return { service: serviceOf(row, request.service) };
    });
    if (request.validateOnly || !order) return planned;
    mustBeDone(await call.parts.fleet.waitOrder(call, order));
    return { service: serviceOf(await findServer(reading(call), request.server), request.service) };
  },

  pingServer: async (request, context) => {
    const call = callOf(context);
    const row = await findServer(reading(call), request.server);
    return { roundTripMs: await call.parts.fleet.ping(call, row.id, row.name) };
  },
};

function mustBeOnline(row: ServerRow, online: boolean): void {
  if (!row.publicKey) throw problem(Reason.SERVER_NOT_ENROLLED, { server: row.name });
  if (!online) throw problem(Reason.SERVER_OFFLINE, { server: row.name });
}

function serviceOf(row: ServerRow, name: ServiceName) {
  const known = row.facts ? toServices(row.facts) : [];
  return (
    known.find((service) => service.name === name) ?? {
      name,
      running: false,
      detail: 'not reported yet',
    }
  );
}
