import type { DescFile, DescMethod, DescMethodUnary, DescService } from '@bufbuild/protobuf';
import { file_serverflow_access_v1_client_service } from '@serverflow/gen/es/serverflow/access/v1/client_service_pb';
import { file_serverflow_access_v1_token_service } from '@serverflow/gen/es/serverflow/access/v1/token_service_pb';
import { file_serverflow_account_v1_account_service } from '@serverflow/gen/es/serverflow/account/v1/account_service_pb';
import { file_serverflow_account_v1_organization_service } from '@serverflow/gen/es/serverflow/account/v1/organization_service_pb';
import { file_serverflow_account_v1_session_service } from '@serverflow/gen/es/serverflow/account/v1/session_service_pb';
import { file_serverflow_agent_v1_agent_service } from '@serverflow/gen/es/serverflow/agent/v1/agent_service_pb';
import { file_serverflow_app_v1_app_service } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { file_serverflow_app_v1_variable_service } from '@serverflow/gen/es/serverflow/app/v1/variable_service_pb';
import { file_serverflow_audit_v1_audit_service } from '@serverflow/gen/es/serverflow/audit/v1/audit_service_pb';
import { file_serverflow_deployment_v1_deployment_service } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { file_serverflow_domain_v1_domain_service } from '@serverflow/gen/es/serverflow/domain/v1/domain_service_pb';
import { file_serverflow_log_v1_log_service } from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { file_serverflow_metric_v1_metric_service } from '@serverflow/gen/es/serverflow/metric/v1/metric_service_pb';
import { file_serverflow_overview_v1_overview_service } from '@serverflow/gen/es/serverflow/overview/v1/overview_service_pb';
import { file_serverflow_project_v1_project_service } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { file_serverflow_server_v1_enrollment_service } from '@serverflow/gen/es/serverflow/server/v1/enrollment_service_pb';
import { file_serverflow_server_v1_server_service } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';

const files: readonly DescFile[] = [
  file_serverflow_overview_v1_overview_service,
  file_serverflow_app_v1_app_service,
  file_serverflow_deployment_v1_deployment_service,
  file_serverflow_log_v1_log_service,
  file_serverflow_app_v1_variable_service,
  file_serverflow_server_v1_server_service,
  file_serverflow_metric_v1_metric_service,
  file_serverflow_domain_v1_domain_service,
  file_serverflow_project_v1_project_service,
  file_serverflow_server_v1_enrollment_service,
  file_serverflow_account_v1_account_service,
  file_serverflow_account_v1_organization_service,
  file_serverflow_account_v1_session_service,
  file_serverflow_access_v1_client_service,
  file_serverflow_access_v1_token_service,
  file_serverflow_audit_v1_audit_service,
  file_serverflow_agent_v1_agent_service,
];

/** Every service of the contract, in the order in which its tools are listed. */
export const services: readonly DescService[] = files.flatMap((file) => file.services);

/** A method that can be a tool: one request, one response. */
export type ToolMethod = DescMethodUnary;

/** Whether a method takes one request and gives one response. */
export function answersOnce(method: DescMethod): method is ToolMethod {
  return method.methodKind === 'unary';
}
