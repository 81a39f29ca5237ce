import type { JsonObject, Message } from '@bufbuild/protobuf';
import { isMessage } from '@bufbuild/protobuf';
import {
  CreateAppResponseSchema,
  UpdateAppResponseSchema,
} from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { DeploymentState } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import type { Deployment } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import {
  CreateDeploymentResponseSchema,
  GetDeploymentResponseSchema,
  RollBackAppResponseSchema,
  WaitDeploymentResponseSchema,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';

/** What a model should do after an answer, in one sentence; "" when that is its own choice. */
export function nextStep(response: Message, args: JsonObject): string {
  if (args['validate_only'] === true) {
    return 'Nothing was changed: call it again without validate_only to do it.';
  }
  if (
    isMessage(response, CreateAppResponseSchema) ||
    isMessage(response, UpdateAppResponseSchema)
  ) {
    return response.app
      ? `Next: create_deployment ${JSON.stringify({ app: response.app.name })}`
      : '';
  }
  if (
    isMessage(response, CreateDeploymentResponseSchema) ||
    isMessage(response, RollBackAppResponseSchema) ||
    isMessage(response, GetDeploymentResponseSchema) ||
    isMessage(response, WaitDeploymentResponseSchema)
  ) {
    return response.deployment ? afterDeployment(response.deployment) : '';
  }
  return '';
}

function afterDeployment({ app, number, state, releaseAfter, failure }: Deployment): string {
  if (state === DeploymentState.QUEUED || state === DeploymentState.RUNNING) {
    return `Next: wait_deployment ${JSON.stringify({ app, number })}`;
  }
  if (state !== DeploymentState.FAILED) return '';
  const serves = releaseAfter > 0 ? `Release ${releaseAfter} still serves.` : 'Nothing serves.';
  const logs = `Next: search_logs ${JSON.stringify({ app, deployment: number })}`;
  return failure?.retryable
    ? `${serves} The same deployment may succeed later. ${logs}`
    : `${serves} ${logs}`;
}
