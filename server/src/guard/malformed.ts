import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { ConnectRouter, ConnectError } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import type { DescMethod } from '@bufbuild/protobuf';
import { registry } from '../doors/registry.ts';

/** Refuses a request whose body is not of the method's form; returns the error to send, once it is in the activity. */
export type RefuseMalformed = (
  method: DescMethod,
  header: Headers,
  what: string,
) => Promise<ConnectError>;

/**
 * A body that cannot be read (not JSON, an unknown field, a wrong type) is refused by the protocol layer, before any interceptor: this
 * gives that refusal the reason, the next step and the entry in the activity that every other one has.
 */
export function tellMalformed(router: ConnectRouter, refuse: RefuseMalformed): void {
  const handlers = router.handlers as UniversalHandler[];
  handlers.splice(
    0,
    handlers.length,
    ...handlers.map((handler) => Object.assign(wrapped(handler, refuse), handler)),
  );
}

function wrapped(
  handler: UniversalHandler,
  refuse: RefuseMalformed,
): (request: Parameters<UniversalHandler>[0]) => Promise<UniversalServerResponse> {
  return async (request) => {
    const response = await handler(request);
    if (
      response.status !== 400 ||
      !response.header?.get('content-type')?.startsWith('application/json') ||
      !response.body
    )
      return response;
    const body = Buffer.concat(await Array.fromAsync(response.body));
    const told = JSON.parse(plain(body, response.header.get('content-encoding')).toString()) as {
      code?: string;
      message?: string;
      details?: unknown[];
    };
    if (told.code !== 'invalid_argument' || told.details?.length)
      return { ...response, body: once(body) };
    const error = await refuse(
      handler.method,
      request.header,
      told.message ?? 'the body cannot be read',
    );
    const bytes = errorToJsonBytes(error, { registry });
    response.header.delete('content-encoding');
    response.header.set('content-length', String(bytes.length));
    return { ...response, body: once(bytes) };
  };
}

/** A body as it was before it was compressed: Connect compresses an error of more than 1 KiB for who accepts it. */
function plain(body: Buffer, encoding: string | null): Buffer {
  if (encoding === 'gzip') return gunzipSync(body);
  return encoding === 'br' ? brotliDecompressSync(body) : body;
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
