import type { IncomingMessage, ServerResponse } from 'node:http';
import sirv from 'sirv';
import type { Handler } from './listen.ts';
import { notThere } from './web.ts';

/** The bundled examples as read-only git repositories, over git's plain HTTP protocol: files under /examples/NAME.git/. */
export function examplesDoor(folder: string, next: Handler): Handler {
  const files = sirv(folder, {
    dev: true,
    etag: false,
    dotfiles: false,
    setHeaders: (response) => response.setHeader('cache-control', 'no-store'),
  });
  return (request, response) => {
    const url = request.url ?? '/';
    if (!/^\/examples\/[a-z0-9-]+\.git\/[\w./-]+(\?|$)/.test(url)) return next(request, response);
    request.url = url.slice('/examples'.length);
    files(request as IncomingMessage, response as unknown as ServerResponse, () =>
      notThere(request, response),
    );
  };
}
