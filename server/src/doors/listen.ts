import {
  createServer as createHttp1,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttp2, type Http2ServerRequest } from 'node:http2';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A request of either protocol. */
export type Request = IncomingMessage | Http2ServerRequest;

/** A response of either protocol, as far as both have it. */
export type Response = Pick<
  ServerResponse,
  'headersSent' | 'statusCode' | 'setHeader' | 'getHeader' | 'on' | 'once'
> & {
  writeHead(status: number, headers?: OutgoingHttpHeaders): unknown;
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: string | Uint8Array): unknown;
};

/** A handler of both HTTP/1.1 and HTTP/2. */
export type Handler = (request: Request, response: Response) => void;

/** The one port, open. */
export type Listening = {
  readonly port: number;
  readonly close: (graceMs?: number) => Promise<void>;
};

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** How long a connection may wait with its first byte, in milliseconds. */
const firstByteMs = 10_000;

/** Opens one port in clear for HTTP/1.1 and HTTP/2: the first bytes tell which of the two a connection speaks. */
export async function listen(host: string, port: number, handler: Handler): Promise<Listening> {
  const h1 = createHttp1(
    { keepAliveTimeout: 65_000, headersTimeout: 20_000, requestTimeout: 0 },
    handler,
  );
  const h2 = createHttp2(
    { settings: { maxConcurrentStreams: 1_000 }, unknownProtocolTimeout: firstByteMs },
    (request, response) => handler(request, response as unknown as Response),
  );
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setTimeout(firstByteMs, () => socket.destroy());
    sniff(socket, (isHttp2) => {
      socket.setTimeout(0);
      (isHttp2 ? h2 : h1).emit('connection', socket);
    });
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen({ host, port }, resolve),
  );
  return {
    port: (server.address() as AddressInfo).port,
    async close(graceMs = 2_000) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      h1.closeIdleConnections();
      const timer = setTimeout(() => sockets.forEach((socket) => socket.destroy()), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function sniff(socket: Socket, tell: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const read = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, preface.length);
    const same = seen.subarray(0, length).equals(preface.subarray(0, length));
    if (same && length < preface.length) return;
    socket.off('readable', read);
    socket.unshift(seen);
    tell(same);
  };
  socket.on('readable', read);
}
