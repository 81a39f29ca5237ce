import type { ConnectRouter } from '@connectrpc/connect';
import { createContextValues } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { AgentService } from '@serverflow/gen/es/serverflow/agent/v1/agent_service_pb';
import { connectAgent } from '../fleet/connect.ts';
import { enrollAgent } from '../fleet/enroll.ts';
import type { FleetParts } from '../fleet/parts.ts';
import { addressKey } from '../guard/call.ts';
import type { Handler } from './listen.ts';

/** The largest message of an agent, in bytes; agents cut their reports to less (LARGEST_REPORT in agent/src/spool.ts). */
const messageCap = 1024 * 1024;

/** The agents' door: AgentService and nothing else; whatever is not for it goes on. */
export function agentsDoor(parts: FleetParts, next: Handler): Handler {
  const routes = (router: ConnectRouter) => {
    router.service(AgentService, {
      connect: (requests, context) =>
        connectAgent(parts, requests, context.values.get(addressKey), context.signal),
      enroll: (requests, context) => enrollAgent(parts, requests, context.values.get(addressKey)),
    });
  };
  const handler = connectNodeAdapter({
    routes,
    connect: false,
    grpcWeb: false,
    readMaxBytes: messageCap,
    contextValues: (request) =>
      createContextValues().set(addressKey, request.socket.remoteAddress ?? ''),
    fallback: next as ReturnType<typeof connectNodeAdapter>,
  });
  return handler as Handler;
}
