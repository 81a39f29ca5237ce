import { createConnectRouter, createContextValues, type Interceptor } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { addressKey } from '../guard/call.ts';
import type { Handler } from './listen.ts';
import { policyOf, registry } from './registry.ts';
import { healthRoutes } from './health.ts';
import { tellMalformed, type RefuseMalformed } from '../guard/malformed.ts';
import { reflectionRoutes } from './reflection.ts';
import { publicRoutes } from './routes.ts';

/** The adapter's own name for the same thing; its package does not export the types of request and response. */
type AdapterHandler = ReturnType<typeof connectNodeAdapter>;

/** The largest request body, in bytes. */
export const requestCap = 1024 * 1024;

/** The public door: Connect, gRPC and gRPC-Web for every service but the agents'; what is no RPC goes to the fallback. */
export function publicDoor(
  guard: Interceptor,
  malformed: RefuseMalformed,
  fallback: Handler,
): Handler {
  const handler = connectNodeAdapter({
    routes: (router) => {
      publicRoutes(router);
      reflectionRoutes(router, serviceNames);
      healthRoutes(router, serviceNames, () => true);
      tellMalformed(router, malformed);
    },
    interceptors: [guard],
    readMaxBytes: requestCap,
    maxTimeoutMs: 3_600_000,
    jsonOptions: { ignoreUnknownFields: false, alwaysEmitImplicit: true, registry },
    contextValues: (request) =>
      createContextValues().set(addressKey, request.socket.remoteAddress ?? ''),
    fallback: fallback as AdapterHandler,
  });
  return handler as Handler;
}

/** The names of every public service; building them also proves that each of their methods has a policy. */
export const serviceNames: readonly string[] = namesOf();

function namesOf(): string[] {
  const router = createConnectRouter();
  publicRoutes(router);
  router.handlers.forEach((handler) => policyOf(handler.method));
  return [
    ...new Set(router.handlers.map((handler) => handler.service.typeName)),
    'grpc.health.v1.Health',
  ];
}
