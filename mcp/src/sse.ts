import type { ServerResponse } from 'node:http';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import type { Transport } from '@modelcontextprotocol/server';
import { TurnedAway } from './door.ts';
import {
  bodyOf,
  forbidStoring,
  jsonOf,
  sendJson,
  type NodeRequest,
  type NodeResponse,
} from './http.ts';
import { makeServer, type ServerOptions } from './server.ts';
import type { Session } from './session.ts';

/** The HTTP+SSE transport, which the protocol has deprecated and some clients still speak. */
export interface SseDoor {
  /** Opens a stream that lives until the session's signal aborts. */
  open(res: NodeResponse, session: Session): Promise<void>;
  /** Takes a message for an open stream of the same token. */
  take(req: NodeRequest, res: NodeResponse, session: Session): Promise<void>;
}

interface Stream {
  transport: SSEServerTransport;
  token: string;
}

/** The most streams that may be open at once. */
const mostStreams = 1000;

/** Makes the door; a comment every keepAliveMs milliseconds keeps proxies from closing a silent stream. */
export function makeSseDoor(options: ServerOptions, keepAliveMs: number): SseDoor {
  const streams = new Map<string, Stream>();
  return {
    async open(res, session) {
      if (streams.size >= mostStreams) throw tooMany();
      const stream = eventStream(res);
      const transport = new SSEServerTransport('/messages', stream);
      streams.set(transport.sessionId, { transport, token: session.credential.token });
      const keepAlive = setInterval(() => stream.write(': keep-alive\n\n'), keepAliveMs);
      const server = makeServer(options, session);
      session.signal.addEventListener('abort', () => void server.close(), { once: true });
      res.once('close', () => {
        clearInterval(keepAlive);
        streams.delete(transport.sessionId);
      });
      // The library's two generations state the same transport in types of their own.
      await server.connect(transport as unknown as Transport);
    },
    async take(req, res, session) {
      const id = new URL(req.url ?? '/', 'http://localhost').searchParams.get('sessionId') ?? '';
      const stream = streams.get(id);
      if (!stream || stream.token !== session.credential.token) throw unknownStream();
      const message = jsonOf(await bodyOf(req));
      try {
        await stream.transport.handleMessage(message);
      } catch {
        throw notJsonRpc();
      }
      sendJson(res, 202, { accepted: true });
    },
  };
}

/**
 * The response as the library's transport uses it: writeHead, write, end and on. Its own headers would let
 * caches keep the stream, and name a connection, which HTTP/2 has not.
 */
function eventStream(res: NodeResponse): ServerResponse {
  const response = res as ServerResponse;
  return Object.create(response, {
    writeHead: {
      value: () => {
        forbidStoring(res);
        res.setHeader('content-type', 'text/event-stream');
        response.flushHeaders();
      },
    },
    write: { value: (text: string) => response.write(text) },
    end: { value: () => response.end() },
    on: { value: response.on.bind(response) },
  }) as ServerResponse;
}

function tooMany(): TurnedAway {
  return new TurnedAway(503, {
    message: 'Too many streams are open.',
    reason: 'TOO_MANY_ATTEMPTS',
    isRetryable: true,
    next: 'Use the address /mcp, which needs no open stream.',
  });
}

function unknownStream(): TurnedAway {
  return new TurnedAway(404, {
    message: 'There is no open stream with this sessionId for this token.',
    reason: 'NOT_FOUND',
    isRetryable: false,
    next: 'Open /sse again, or use the address /mcp.',
  });
}

function notJsonRpc(): TurnedAway {
  return new TurnedAway(400, {
    message: 'The body is no JSON-RPC message.',
    reason: 'INVALID_ARGUMENT',
    isRetryable: false,
    next: 'Send one JSON-RPC 2.0 message.',
  });
}
