import { realpathSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative } from 'node:path';
import send from 'send';
import { answer } from './answer.ts';
import { MIME_TYPES } from './mime-types.ts';
import { MISSING_PAGE } from './pages.ts';

const TYPES = new Map<string, string>(
  Object.entries(MIME_TYPES).flatMap(([type, extensions]) =>
    extensions.split(' ').map((extension): [string, string] => [`.${extension}`, type]),
  ),
);

/** Serves a file of a static site, with ranges and conditional requests; links in the site and hidden files are not followed. */
export function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  { root, spa }: { root: string; spa: boolean },
): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return answer(response, 405, MISSING_PAGE);
  }
  const path = pathOf(request.url ?? '/');
  const found = path === undefined ? undefined : find(root, path, spa);
  const file = found ?? (spa ? undefined : find(root, '/404.html', false));
  if (file === undefined) return answer(response, 404, MISSING_PAGE);
  if (found === undefined) {
    response.statusCode = 404;
    // A page for a missing file answers no range and no condition.
    for (const name of [
      'range',
      'if-none-match',
      'if-modified-since',
      'if-match',
      'if-unmodified-since',
    ]) {
      delete request.headers[name];
    }
  }
  const type = TYPES.get(extname(file).toLowerCase()) ?? 'application/octet-stream';
  const isText = /^text\/|json$|xml$|manifest/.test(type);
  response.setHeader('Content-Type', isText ? `${type}; charset=utf-8` : type);
  response.setHeader('Cache-Control', 'no-cache');
  send(request, encodeURI(`/${file}`).replaceAll('?', '%3F').replaceAll('#', '%23'), {
    root,
    dotfiles: 'allow',
    index: false,
    cacheControl: false,
  })
    .on('error', (error) => {
      response.removeHeader('Content-Type');
      answer(response, error.status, MISSING_PAGE);
    })
    .pipe(response);
}

/** The decoded path of a request; undefined when it is malformed, climbs, or names a hidden file outside /.well-known. */
function pathOf(url: string): string | undefined {
  try {
    const path = decodeURIComponent(url.split('?', 1)[0] ?? '/');
    const isHidden = /\/\.(?!well-known\/)/.test(path);
    return path.startsWith('/') && !path.includes('\0') && !isHidden ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The file for a path, relative to the root: itself, its index.html, its .html, or the single page. */
function find(root: string, path: string, spa: boolean): string | undefined {
  const trimmed = path.replace(/\/+$/, '');
  const candidates = [
    ...(path.endsWith('/') ? [] : [trimmed]),
    `${trimmed}/index.html`,
    ...(trimmed === '' ? [] : [`${trimmed}.html`]),
    ...(spa ? ['/index.html'] : []),
  ];
  for (const candidate of candidates) {
    const file = join(root, candidate);
    try {
      const realRoot = realpathSync(root);
      const isItself = realpathSync(file) === join(realRoot, candidate);
      if (isItself && statSync(file).isFile()) return relative(root, file);
    } catch {
      // Not there: the next one may be.
    }
  }
  return undefined;
}
