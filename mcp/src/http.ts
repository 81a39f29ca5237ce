import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { once } from 'node:events';
import { TurnedAway } from './door.ts';

/** A request of node:http or of node:http2's compatibility API. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
/** A response of node:http or of node:http2's compatibility API. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** The largest body of a request, in bytes. */
export const largestBody = 1024 * 1024;

/** The host that a request names. */
export function hostOf(req: NodeRequest): string | undefined {
  const authority = req.headers[':authority'];
  return typeof authority === 'string' ? authority : req.headers.host;
}

/** The path of a request, without its query. */
export function pathOf(req: NodeRequest): string {
  return (req.url ?? '/').split('?', 1)[0] ?? '/';
}

/** Reads a whole body; throws TurnedAway over 1 MiB. */
export async function bodyOf(req: NodeRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Reads a body as JSON; undefined when it is none. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Makes a web request of a node request whose body was read. */
export function webRequest(req: NodeRequest, body: Buffer, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    for (const one of [value].flat()) headers.append(name, one);
  }
  const method = req.method ?? 'GET';
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return new Request(new URL(req.url ?? '/', `http://${hostOf(req) ?? 'localhost'}`), {
    method,
    headers,
    signal,
    ...(hasBody && { body: new Uint8Array(body) }),
  });
}

/** Sends a web response, piece by piece as it comes; ends early when the signal says so. */
export async function sendResponse(
  res: NodeResponse,
  response: Response,
  signal: AbortSignal,
): Promise<void> {
  // HTTP/2 has no connection header, and over HTTP/1.1 it is node's own business.
  response.headers.delete('connection');
  response.headers.forEach((value, name) => res.setHeader(name, value));
  forbidStoring(res);
  res.statusCode = response.status;
  flush(res);
  if (!response.body) return endWith(res);
  const reader = response.body.getReader();
  const stop = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  for (;;) {
    const { value, done } = await reader.read();
    if (done || res.destroyed) break;
    if (!writeTo(res, value)) await once(res, 'drain', { signal }).catch(() => undefined);
  }
  signal.removeEventListener('abort', stop);
  endWith(res);
}

/** Sends a JSON body. */
export function sendJson(res: NodeResponse, status: number, body: object): void {
  if (res.headersSent) return endWith(res);
  forbidStoring(res);
  res.setHeader('content-type', 'application/json');
  res.statusCode = status;
  endWith(res, JSON.stringify(body));
}

/** Neither a cache nor a buffering proxy may stand between us and a client. */
export function forbidStoring(res: NodeResponse): void {
  res.setHeader('cache-control', 'no-store');
  res.setHeader('x-accel-buffering', 'no');
}

// The two classes declare these methods differently, so that their union cannot be called.
function flush(res: NodeResponse): void {
  (res as { flushHeaders(): void }).flushHeaders();
}

function writeTo(res: NodeResponse, chunk: Uint8Array): boolean {
  return (res as { write(chunk: Uint8Array): boolean }).write(chunk);
}

function endWith(res: NodeResponse, text = ''): void {
  (res as { end(text: string): unknown }).end(text);
}

function tooLarge(): TurnedAway {
  return new TurnedAway(413, {
    message: 'The body is larger than 1 MiB.',
    reason: 'INVALID_ARGUMENT',
    isRetryable: false,
    next: 'Send less in one call.',
  });
}
