import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from '@serverflow/gen/es/health/v1/health_pb';

/** How often a health watch looks again, in milliseconds. */
const lookEveryMs = 5_000;

/** gRPC's health protocol, for the whole server ("") and each service; open to anyone. */
export function healthRoutes(
  router: ConnectRouter,
  services: readonly string[],
  ready: () => boolean,
): void {
  const status = (service: string) => {
    if (service !== '' && !services.includes(service)) return undefined;
    return ready() ? Status.SERVING : Status.NOT_SERVING;
  };
  router.service(Health, {
    check: (request) => {
      const now = status(request.service);
      if (now === undefined)
        throw new ConnectError(`There is no service ${request.service}.`, Code.NotFound);
      return { status: now };
    },
    list: () => ({
      statuses: Object.fromEntries(
        ['', ...services].map((name) => [name, { status: status(name)! }]),
      ),
    }),
    async *watch(request, context) {
      let before: Status | undefined;
      while (!context.signal.aborted) {
        const now = status(request.service) ?? Status.SERVICE_UNKNOWN;
        if (now !== before) yield { status: now };
        before = now;
        await pause(lookEveryMs, context.signal);
      }
    },
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
