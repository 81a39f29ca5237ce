import { createRouterTransport, type Interceptor, type Transport } from '@connectrpc/connect';
import { createMcp, type Mcp } from '@serverflow/mcp';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { version } from '../version.ts';
import { registry } from './registry.ts';
import { publicRoutes } from './routes.ts';

/** The door of AI clients: /mcp, /mcp/token and /sse. mcp is a client of the API, over a transport in memory behind the same guard. */
export function mcpDoor(config: Config, guard: Interceptor, log: Logger): Mcp {
  const api = createRouterTransport(publicRoutes, {
    router: { interceptors: [guard], jsonOptions: { ignoreUnknownFields: false, registry } },
  });
  return createMcp({
    publicUrl: config.publicUrl,
    version,
    sse: config.sse,
    keepAliveMs: config.heartbeatMs,
    recheckMs: config.recheckMs,
    log: (event) => log.info({ mcp: event }, 'mcp'),
    connect: ({ token, client, address }) =>
      acting(api, {
        authorization: `Bearer ${token}`,
        ...(client ? { 'x-serverflow-client': `${client.name}/${client.version}` } : {}),
        ...(address ? { 'x-serverflow-address': address } : {}),
      }),
  });
}

/** A transport that sends the given headers with every call; the guard believes them on this door only, for no request from outside reaches it. */
function acting(api: Transport, headers: Record<string, string>): Transport {
  const withHeaders = (given: HeadersInit | undefined) => {
    const all = new Headers(given);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    return all;
  };
  return {
    unary: (method, signal, timeoutMs, header, input, values) =>
      api.unary(method, signal, timeoutMs, withHeaders(header), input, values),
    stream: (method, signal, timeoutMs, header, input, values) =>
      api.stream(method, signal, timeoutMs, withHeaders(header), input, values),
  };
}
