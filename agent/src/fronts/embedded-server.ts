import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createProxyServer } from 'httpxy';
import { answer } from './answer.ts';
import { serveFile } from './embedded-files.ts';
import type { Site } from './front.ts';
import { hostnamesOf } from './grammar.ts';
import { GENERATION_HOST } from './live.ts';
import { BODY_BYTES, DOWN_PAGE, LARGE_PAGE, UNKNOWN_PAGE } from './pages.ts';
import type { Sites } from './site-front.ts';

/** How long a program may be silent on a connection, in milliseconds; an hour, for event streams. */
const SILENCE_MS = 3_600_000;

/** An HTTP server that answers for sites; `serve` changes them for all requests that come after it. */
export type EmbeddedServer = { readonly server: Server; serve(sites: Sites): void };

/** Makes the embedded front's server; it does not listen yet. */
export function embeddedServer(first: Sites): EmbeddedServer {
  let generation = 0;
  let routes = new Map<string, Site>();
  const spares: Spares = new WeakMap();
  const proxy = proxyServer(spares);
  // A long upload or download is no attack on a server that hands everything on as it comes.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 75_000 });

  const siteOf = (request: IncomingMessage) =>
    routes.get((request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, ''));

  server.on('request', (request, response) => {
    const site = siteOf(request);
    if (site?.target.kind === 'files') return serveFile(request, response, site.target);
    if (site?.target.kind === 'port') {
      if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES) {
        return answer(response, 413, LARGE_PAGE);
      }
      forward(request);
      const { port, spare } = site.target;
      if (spare !== undefined && isRepeatable(request)) spares.set(request, spare);
      void proxy.web(request, response, { target: { host: '127.0.0.1', port } });
      return;
    }
    if (isGenerationQuestion(request)) return answer(response, 200, String(generation));
    return answer(response, 404, UNKNOWN_PAGE);
  });
  server.on('upgrade', (request, socket: Socket, head) => {
    const target = siteOf(request)?.target;
    if (target?.kind !== 'port') return socket.destroy();
    forward(request);
    void proxy.ws(request, socket, { target: { host: '127.0.0.1', port: target.port } }, head);
  });

  const serve = (sites: Sites) => {
    routes = new Map(sites.sites.flatMap((site) => hostnamesOf(site).map((name) => [name, site])));
    generation = sites.generation;
  };
  serve(first);
  return { server, serve };
}

/** The port of the release before, for requests that may be sent to it when the new one ends without an answer. */
type Spares = WeakMap<IncomingMessage, number>;

/** Whether a request has no effect and no body, so that it may be sent twice. */
const isRepeatable = ({ method, headers }: IncomingMessage): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  headers['transfer-encoding'] === undefined &&
  Number(headers['content-length'] ?? 0) === 0;

/** A connection per request to the program: one that is kept could be closed by it just when it is used again. */
function proxyServer(spares: Spares) {
  const proxy = createProxyServer({ agent: false, proxyTimeout: SILENCE_MS });
  proxy.on('proxyRes', (answered) => {
    // They speak of the connection to the program, not of the client's.
    delete answered.headers.connection;
    delete answered.headers['keep-alive'];
  });
  proxy.on('error', (_error, request, response) => {
    if (!response) return;
    const spare = request && spares.get(request);
    if (!('writeHead' in response)) response.destroy();
    else if (response.headersSent) response.destroy();
    else if (request && spare !== undefined) {
      spares.delete(request);
      const target = { host: '127.0.0.1', port: spare };
      void proxy.web(request, response, { target, buffer: Readable.from([]) });
    } else answer(response, 502, DOWN_PAGE);
  });
  return proxy;
}

/** Says who asked, as nginx does: what a client says of itself is only kept in X-Forwarded-For, before its address. */
function forward(request: IncomingMessage): void {
  const client = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const before = request.headers['x-forwarded-for'];
  Object.assign(request.headers, {
    'x-forwarded-for': before === undefined ? client : `${String(before)}, ${client}`,
    'x-forwarded-host': request.headers.host ?? '',
    'x-forwarded-port': String(request.socket.localPort),
    'x-forwarded-proto': 'http',
    'x-real-ip': client,
  });
}

function isGenerationQuestion(request: IncomingMessage): boolean {
  const isLocal = /^(::ffff:)?127\.|^::1$/.test(request.socket.remoteAddress ?? '');
  return isLocal && request.headers.host === GENERATION_HOST && request.url === '/generation';
}
