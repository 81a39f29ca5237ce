import type { ConnectRouter } from '@connectrpc/connect';
import { ClientService } from '@serverflow/gen/es/serverflow/access/v1/client_service_pb';
import { TokenService } from '@serverflow/gen/es/serverflow/access/v1/token_service_pb';
import { AccountService } from '@serverflow/gen/es/serverflow/account/v1/account_service_pb';
import { OrganizationService } from '@serverflow/gen/es/serverflow/account/v1/organization_service_pb';
import { SessionService } from '@serverflow/gen/es/serverflow/account/v1/session_service_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { VariableService } from '@serverflow/gen/es/serverflow/app/v1/variable_service_pb';
import { AuditService } from '@serverflow/gen/es/serverflow/audit/v1/audit_service_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { DomainService } from '@serverflow/gen/es/serverflow/domain/v1/domain_service_pb';
import { LogService } from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { MetricService } from '@serverflow/gen/es/serverflow/metric/v1/metric_service_pb';
import { OverviewService } from '@serverflow/gen/es/serverflow/overview/v1/overview_service_pb';
import { ProjectService } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { accountRpc, organizationRpc, sessionRpc } from '../accounts/rpc.ts';
import { appRpc } from '../apps/rpc.ts';
import { variableRpc } from '../apps/variable-rpc.ts';
import { auditRpc } from '../audit/rpc.ts';
import { deploymentRpc } from '../deployments/rpc.ts';
import { domainRpc } from '../domains/rpc.ts';
import { logRpc } from '../logs/rpc.ts';
import { metricRpc } from '../metrics/rpc.ts';
import { overviewRpc } from '../overview/rpc.ts';
import { projectRpc } from '../projects/rpc.ts';
import { clientRpc, tokenRpc } from '../tokens/rpc.ts';

/** Every service of the public door, except what shows the contract itself (reflection and health). */
export function publicRoutes(router: ConnectRouter): void {
  router.service(AccountService, accountRpc);
  router.service(SessionService, sessionRpc);
  router.service(OrganizationService, organizationRpc);
  router.service(TokenService, tokenRpc);
  router.service(ClientService, clientRpc);
  router.service(ProjectService, projectRpc);
  router.service(AuditService, auditRpc);
  router.service(AppService, appRpc);
  router.service(VariableService, variableRpc);
  router.service(DomainService, domainRpc);
  router.service(DeploymentService, deploymentRpc);
  router.service(LogService, logRpc);
  router.service(MetricService, metricRpc);
  router.service(OverviewService, overviewRpc);
}
