import { createMcpHandler } from '@modelcontextprotocol/server';
import { makeClients } from './clients.ts';
import { checkHost, grantOf, hostNames, tokenOf, TurnedAway } from './door.ts';
import {
  bodyOf,
  hostOf,
  jsonOf,
  pathOf,
  sendJson,
  sendResponse,
  webRequest,
  type NodeRequest,
  type NodeResponse,
} from './http.ts';
import { watchGrant } from './revocation.ts';
import { makeServer, type ServerOptions } from './server.ts';
import { authOf, sessionOf, type Connect, type Credential, type Session } from './session.ts';
import { makeSseDoor } from './sse.ts';

export { doorMethods, mayUse, type Grant } from './grant.ts';
export type { ClientName, Connect, Credential } from './session.ts';
export { listTools, tools, type Tool } from './tools.ts';

/** What the MCP door is made with. */
export interface McpOptions {
  /** Makes a transport to the API that acts as a credential; mcp itself holds no right. */
  connect: Connect;
  /** The address under which people reach the control plane. */
  publicUrl: string;
  /** The version of the product. */
  version: string;
  /** Whether /sse and /messages are served. */
  sse: boolean;
  /** Host names beyond loopback and the public address's that requests may name. */
  allowedHosts?: readonly string[];
  /** Takes one event of the log; it holds neither tokens nor arguments. */
  log: (event: object) => void;
  /** Between two comments on a silent stream, in milliseconds; 15,000 unless given. */
  keepAliveMs?: number;
  /** Between two looks whether the token of an open request still holds, in milliseconds; 1,000 unless given. */
  recheckMs?: number;
  /** The longest a tool may take, in milliseconds; 45,000 unless given. */
  deadlineMs?: number;
}

/** The MCP door of a control plane. */
export interface Mcp {
  /** Serves a request when its path is one of ours, and tells whether it was. */
  handle(req: NodeRequest, res: NodeResponse): boolean;
  /** Ends every open request and stream. */
  close(): Promise<void>;
}

/** Makes the MCP door: /mcp and /mcp/token in both eras of the protocol, /sse and /messages where they are on. */
export function createMcp(options: McpOptions): Mcp {
  const { keepAliveMs = 15_000, recheckMs = 1000 } = options;
  const ours = hostNames(options.publicUrl, options.allowedHosts ?? []);
  const serverOptions: ServerOptions = { deadlineMs: 45_000, ...options };
  const handler = createMcpHandler(
    ({ authInfo }) => makeServer(serverOptions, sessionOf(authInfo)),
    { keepAliveMs, onerror: (error) => options.log({ event: 'mcp_error', error: error.message }) },
  );
  const sse = makeSseDoor(serverOptions, keepAliveMs);
  const clients = makeClients();
  const closing = new AbortController();

  const streamable: Route = async (req, res, session) => {
    const body = await bodyOf(req);
    const { credential } = session;
    const userAgent = req.headers['user-agent'] ?? '';
    const client = clients.learn(credential.token, userAgent, jsonOf(body));
    const named = client ? { ...session, credential: { ...credential, client } } : session;
    const request = webRequest(req, body, session.signal);
    const authInfo = authOf(named);
    await sendResponse(res, await handler.fetch(request, { authInfo }), session.signal);
  };
  const routes: Record<string, Route> = {
    '/mcp': streamable,
    '/mcp/token': streamable,
    ...(options.sse && {
      '/sse': only('GET', (_req, res, session) => sse.open(res, session)),
      '/messages': only('POST', sse.take),
    }),
  };

  async function admit(route: Route, req: NodeRequest, res: NodeResponse): Promise<void> {
    checkHost(hostOf(req), req.headers.origin, ours);
    const token = tokenOf(req.headers.authorization, pathOf(req) === '/mcp/token');
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, closing.signal]);
    const { remoteAddress: address } = req.socket;
    const credential: Credential = { token, ...(address && { address }) };
    const api = options.connect(credential);
    const session: Session = { credential, grant: await grantOf(api), signal };
    const renew = async () => (session.grant = await grantOf(api));
    watchGrant(renew, recheckMs, signal, () => {
      options.log({ event: 'mcp_revoked' });
      gone.abort();
      res.destroy();
    });
    await route(req, res, session);
  }

  return {
    handle(req, res) {
      const route = routes[pathOf(req)];
      if (!route) return false;
      admit(route, req, res).catch((error: unknown) => turnAway(res, error, options.log));
      return true;
    },
    async close() {
      closing.abort();
      await handler.close();
    },
  };
}

type Route = (req: NodeRequest, res: NodeResponse, session: Session) => Promise<void>;

function only(method: string, route: Route): Route {
  return async (req, res, session) => {
    if (req.method === method) return route(req, res, session);
    res.setHeader('allow', method);
    throw new TurnedAway(405, {
      message: `This address takes ${method} only.`,
      reason: 'INVALID_ARGUMENT',
      isRetryable: false,
      next: 'Use the address /mcp.',
    });
  };
}

function turnAway(res: NodeResponse, error: unknown, log: McpOptions['log']): void {
  if (res.destroyed || res.writableEnded) return;
  if (!(error instanceof TurnedAway)) log({ event: 'mcp_error', error: String(error) });
  const { status, refusal } =
    error instanceof TurnedAway
      ? error
      : {
          status: 500,
          refusal: {
            message: 'Something failed.',
            reason: 'INTERNAL',
            isRetryable: true,
            next: '',
          },
        };
  if (status === 401 && !res.headersSent) res.setHeader('www-authenticate', 'Bearer');
  // The rest of a body that is too large is not read: the connection cannot be used again.
  if (status === 413) res.once('finish', () => res.req.destroy());
  const { reason, message, next, isRetryable: retryable } = refusal;
  sendJson(res, status, { error: { reason, message, next, retryable } });
}
