import { createRegistry, getOption, type DescFile, type DescMethod } from '@bufbuild/protobuf';
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
import { file_serverflow_error_v1_problem } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { file_serverflow_log_v1_log_service } from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { file_serverflow_metric_v1_metric_service } from '@serverflow/gen/es/serverflow/metric/v1/metric_service_pb';
import { policy, type MethodPolicy } from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { file_serverflow_overview_v1_overview_service } from '@serverflow/gen/es/serverflow/overview/v1/overview_service_pb';
import { file_serverflow_project_v1_project_service } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { file_serverflow_server_v1_enrollment_service } from '@serverflow/gen/es/serverflow/server/v1/enrollment_service_pb';
import { file_serverflow_server_v1_server_service } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { file_google_rpc_error_details } from '@serverflow/gen/es/google/rpc/error_details_pb';

/** Every file of the contract. */
export const contract: readonly DescFile[] = [
  file_serverflow_access_v1_client_service,
  file_serverflow_access_v1_token_service,
  file_serverflow_account_v1_account_service,
  file_serverflow_account_v1_organization_service,
  file_serverflow_account_v1_session_service,
  file_serverflow_agent_v1_agent_service,
  file_serverflow_app_v1_app_service,
  file_serverflow_app_v1_variable_service,
  file_serverflow_audit_v1_audit_service,
  file_serverflow_deployment_v1_deployment_service,
  file_serverflow_domain_v1_domain_service,
  file_serverflow_error_v1_problem,
  file_google_rpc_error_details,
  file_serverflow_log_v1_log_service,
  file_serverflow_metric_v1_metric_service,
  file_serverflow_overview_v1_overview_service,
  file_serverflow_project_v1_project_service,
  file_serverflow_server_v1_enrollment_service,
  file_serverflow_server_v1_server_service,
];

/** Every type of the contract with all that it imports, by name. */
export const registry = createRegistry(...contract);

/** The policy of a method of ours; throws where it has none. */
export function policyOf(method: DescMethod): MethodPolicy {
  const found = getOption(method, policy);
  if (!found.caller) throw new Error(`${method.parent.typeName}/${method.name} has no policy.`);
  return found;
}

/** The full name of a method, such as serverflow.app.v1.AppService/CreateApp. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}
