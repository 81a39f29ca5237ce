import {
  DeploymentKind,
  DeploymentState,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';

/** The numbers that the columns hold are the contract's. */
export { DeploymentKind as Kind, DeploymentState as State };

/** Whether a deployment has ended. */
export function hasEnded(state: number): boolean {
  return state !== DeploymentState.QUEUED && state !== DeploymentState.RUNNING;
}
