import type { ServerResponse } from 'node:http';

/** Answers with a short page, or a bare text for a status of 200. */
export function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'Content-Type': status === 200 ? 'text/plain' : 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
