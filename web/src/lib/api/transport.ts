import type { Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';

/** A call that is not a stream is given up after this long, in milliseconds: a service action may wait a minute. */
export const CALL_TIMEOUT_MS = 75_000;

const giveUp: Interceptor = (next) => (request) =>
  request.stream
    ? next(request)
    : next({
        ...request,
        signal: AbortSignal.any([request.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
      });

/** The public API at the page's own origin, with the session's cookie. */
export const transport = createConnectTransport({
  baseUrl: '/',
  useBinaryFormat: true,
  interceptors: [giveUp],
});
