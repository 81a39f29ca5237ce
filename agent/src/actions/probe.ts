import { request } from 'node:http';

/** What one request to an app came to. */
export type Probe =
  | { readonly kind: 'answered'; readonly status: number; readonly ms: number }
  /** Nothing listens on the port. */
  | { readonly kind: 'refused' }
  /** No answer within the time. */
  | { readonly kind: 'timeout' }
  /** The connection ended without an answer. */
  | { readonly kind: 'broken'; readonly message: string };

/** How an app is asked. */
export type Question = {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** The host name that the request carries. */
  readonly hostname: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
};

/** Sends one GET over a connection of its own, follows no redirect, and says what came of it; throws only when the signal aborts. */
export function probe(question: Question): Promise<Probe> {
  const { signal } = question;
  signal?.throwIfAborted();
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const call = request({
      host: question.host,
      port: question.port,
      path: question.path,
      method: 'GET',
      agent: false,
      headers: { host: question.hostname, 'user-agent': 'ServerFlow-health' },
    });
    const settle = (result: Probe) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve(result);
    };
    const timer = setTimeout(() => {
      settle({ kind: 'timeout' });
      call.destroy();
    }, question.timeoutMs);
    const abort = () => {
      clearTimeout(timer);
      call.destroy();
      reject(new DOMException('The agent was told to stop.', 'AbortError'));
    };
    signal?.addEventListener('abort', abort, { once: true });
    call.on('response', (response) => {
      const ms = Math.round(performance.now() - begin);
      settle({ kind: 'answered', status: response.statusCode ?? 0, ms });
      // A body without an end, such as an event stream, must not hold the connection.
      const drop = setTimeout(() => call.destroy(), 1000).unref();
      response.on('error', () => undefined);
      response.once('close', () => clearTimeout(drop));
      response.resume();
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') settle({ kind: 'refused' });
      else settle({ kind: 'broken', message: error.message });
    });
    call.end();
  });
}

/** Whether an answer counts as healthy: 2xx or 3xx. */
export const isPass = (result: Probe): boolean =>
  result.kind === 'answered' && result.status >= 200 && result.status < 400;
