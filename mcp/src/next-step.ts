import { isMessage, type JsonObject, type Message } from '@bufbuild/protobuf';
import type { ResourceLink } from '@modelcontextprotocol/server';
import {
  CreateAppResponseSchema,
  GetAppResponseSchema,
} from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import {
  DeploymentState,
  type Deployment,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import {
  CreateDeploymentResponseSchema,
  GetDeploymentResponseSchema,
  RollBackAppResponseSchema,
  WaitDeploymentResponseSchema,
  type WaitDeploymentResponse,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { logLink } from './log-link.ts';

/** What a model may do after an answer. */
export interface NextStep {
  /** One sentence; "" when it is the model's own choice. */
  text: string;
  /** The log that explains the answer, as a resource. */
  links: ResourceLink[];
}

/** Says what to do after an answer; it names only tools that the client may use. */
export function nextStep(
  response: Message,
  args: JsonObject,
  mayCall: (tool: string) => boolean,
): NextStep {
  const proposal = (tool: string, given: JsonObject): string =>
    mayCall(tool) ? `Next: ${tool} ${JSON.stringify(given)}` : '';
  if (args['validate_only'] === true) {
    return {
      text: 'Nothing was changed: call it again without validate_only to do it.',
      links: [],
    };
  }
  const links = mayCall('search_logs') ? linksOf(response) : [];
  if (isMessage(response, CreateAppResponseSchema)) {
    const app = response.app?.name ?? '';
    return { text: app && proposal('create_deployment', { app }), links: [] };
  }
  const deployment = deploymentOf(response);
  return { text: deployment ? afterDeployment(deployment, proposal) : '', links };
}

function afterDeployment(
  { app, number, state, releaseAfter, failure }: Deployment,
  proposal: (tool: string, given: JsonObject) => string,
): string {
  if (state === DeploymentState.QUEUED || state === DeploymentState.RUNNING) {
    return proposal('wait_deployment', { app, number });
  }
  if (state !== DeploymentState.FAILED) return '';
  return [
    releaseAfter > 0 ? `Release ${releaseAfter} still serves.` : 'Nothing serves.',
    failure?.retryable ? 'The same deployment may succeed later.' : '',
    proposal('search_logs', { app, deployment: number }),
  ]
    .filter(Boolean)
    .join(' ');
}

function linksOf(response: Message): ResourceLink[] {
  if (isMessage(response, GetAppResponseSchema) && response.app) {
    return [logLink(response.app.name, 0)];
  }
  const deployment = deploymentOf(response);
  return deployment?.state === DeploymentState.FAILED
    ? [logLink(deployment.app, deployment.number)]
    : [];
}

function deploymentOf(response: Message): Deployment | undefined {
  const carriers = [
    CreateDeploymentResponseSchema,
    RollBackAppResponseSchema,
    GetDeploymentResponseSchema,
    WaitDeploymentResponseSchema,
  ];
  return carriers.some((desc) => isMessage(response, desc))
    ? (response as WaitDeploymentResponse).deployment
    : undefined;
}
