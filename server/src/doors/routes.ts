import type { ConnectRouter } from '@connectrpc/connect';
import { ProjectService } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { projectRpc } from '../projects/rpc.ts';

/** Every service of the public door. */
export function publicRoutes(router: ConnectRouter): void {
  router.service(ProjectService, projectRpc);
}
