import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A small program behind a front: says its word at any path, its request's headers at /headers, and echoes what is upgraded. */
export async function startUpstream(
  word: string,
): Promise<{ port: number; server: Server; close(): Promise<void> }> {
  const server = createServer((incoming, response) => {
    if (incoming.url === '/headers') return void response.end(JSON.stringify(incoming.headers));
    if (incoming.url === '/upload') {
      let sizeBytes = 0;
      incoming.on('data', (chunk: Buffer) => (sizeBytes += chunk.length));
      return void incoming.on('end', () => response.end(String(sizeBytes)));
    }
    response.end(word);
  });
  server.on('upgrade', (incoming, socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    );
    socket.on('data', (chunk: Buffer) => socket.write(`${word}:${chunk.toString()}`));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((done) => void server.close(() => done()));
  };
  return { port, server, close };
}

/** An answer with its body. */
export type Answer = { status: number; headers: IncomingMessage['headers']; body: string };

/** Asks a front for a path under a host name, on a connection of its own. */
export function ask(
  port: number,
  hostname: string,
  path = '/',
  options: { method?: string; headers?: Record<string, string>; body?: Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path,
      method: options.method ?? 'GET',
      headers: { host: hostname, ...options.headers },
      agent: false,
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.end(options.body);
  });
}
