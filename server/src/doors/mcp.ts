import { createRouterTransport, type Interceptor, type Transport } from '@connectrpc/connect';
import { createMcp, type Mcp } from '@serverflow/mcp';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { version } from '../version.ts';
import { registry } from './registry.ts';
import { publicRoutes } from './routes.ts';

/** The door of AI clients: /mcp, /mcp/token and /sse. mcp is a client of the API, over a transport in memory behind the same guard. */
export function mcpDoor(config: Config, guard: Interceptor, log: Logger): Mcp {
  return createMcp({
    publicUrl: config.publicUrl,
    version,
    sse: config.sse,
    keepAliveMs: config.heartbeatMs,
    recheckMs: config.recheckMs,
    log: (event) => log.info({ mcp: event }, 'mcp'),
    connect: ({ token, client }) =>
      inMemory(guard, token, client ? `${client.name}/${client.version}` : ''),
  });
}

function inMemory(guard: Interceptor, token: string, client: string): Transport {
  const send: Interceptor = (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    if (client) request.header.set('x-serverflow-client', client);
    return next(request);
  };
  return createRouterTransport(publicRoutes, {
    router: { interceptors: [guard], jsonOptions: { ignoreUnknownFields: false, registry } },
    transport: { interceptors: [send] },
  });
}
