import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { IncomingMessage, ServerResponse } from 'node:http';
import sirv from 'sirv';
import type { Handler, Request, Response } from './listen.ts';

/**
 * The dashboard's files: hashed ones for ever, pages fresh each time, and the one fallback page for every address that is a page.
 * Addresses of machines (RPC, MCP, discovery) never get the fallback page: they are 404 as themselves.
 */
export function webDoor(folder: string): Handler {
  if (!existsSync(join(folder, 'index.html'))) return notBuilt;
  const files = sirv(folder, {
    etag: true,
    brotli: true,
    gzip: true,
    dotfiles: false,
    setHeaders: cacheHeaders,
  });
  return (request, response) => {
    pageHeaders(response);
    const serve = (next: () => void) =>
      files(request as IncomingMessage, response as unknown as ServerResponse, next);
    if (request.method !== 'GET' && request.method !== 'HEAD') return notThere(request, response);
    serve(() => {
      if (!isPage(request)) return notThere(request, response);
      request.url = '/index.html';
      serve(() => notThere(request, response));
    });
  };
}

/** Answers 404 in JSON. */
export function notThere(request: Request, response: Response): void {
  response.writeHead(404, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(
    request.method === 'HEAD'
      ? undefined
      : JSON.stringify({ error: 'There is nothing at this address.' }),
  );
}

function isPage(request: Request): boolean {
  const path = (request.url ?? '/').split('?')[0]!;
  if (
    /^\/(\.well-known|mcp|sse|messages|oauth|webhooks|examples|_app|serverflow\.|grpc\.)/.test(path)
  )
    return false;
  return !/\.[a-z0-9]{1,8}$/i.test(path) && (request.headers.accept ?? '').includes('text/html');
}

function cacheHeaders(response: ServerResponse, path: string): void {
  response.setHeader(
    'cache-control',
    path.startsWith('/_app/immutable/') ? 'public, max-age=31536000, immutable' : 'no-cache',
  );
}

function pageHeaders(response: Response): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('content-security-policy', "frame-ancestors 'none'");
}

function notBuilt(request: Request, response: Response): void {
  if (!isPage(request)) return notThere(request, response);
  response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' });
  response.end('The dashboard is not built yet: run "npm run -w web build", then start again.\n');
}
