import { create, type Message } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { createClient, type Transport } from '@connectrpc/connect';
import {
  StepNameSchema,
  StepState,
  type Deployment,
  type Step,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import {
  DeploymentService,
  WaitDeploymentRequestSchema,
  type WaitDeploymentRequest,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { shortEnum } from './names.ts';
import { plain } from './text.ts';

/** Says one thing to a client that waits; never rejects. */
export type Say = (message: string) => Promise<void>;

/** Tells the steps of one deployment, each line once. */
export interface StepTeller {
  /** Tells what is new; whether anything was. */
  tell(deployment: Deployment): Promise<boolean>;
  say: Say;
}

/** Makes the teller of one wait. */
export function makeStepTeller(say: Say): StepTeller {
  const told = new Set<string>();
  const tell = async (deployment: Deployment): Promise<boolean> => {
    const news = newsOf(deployment).filter((line) => !told.has(line));
    for (const line of news) {
      told.add(line);
      await say(line);
    }
    return news.length > 0;
  };
  return { tell, say };
}

/**
 * Follows the deployment that a request waits for and tells its steps, until the signal ends it. The wait
 * itself stays the truth: a stream that breaks only ends the progress.
 */
export async function followSteps(
  transport: Transport,
  { app, number }: WaitDeploymentRequest,
  signal: AbortSignal,
  { tell, say }: StepTeller,
): Promise<void> {
  const client = createClient(DeploymentService, transport);
  try {
    for await (const { deployment } of client.watchDeployment({ app, number }, { signal })) {
      if (!deployment || (await tell(deployment))) continue;
      // A heartbeat brings no news, and yet it tells the client that the call lives.
      await say(`${stateOf(deployment)}, still waiting`);
    }
  } catch (error) {
    if (!signal.aborted) await say(`progress ended: ${plain(String(error), 100)}`);
  }
}

/** Every step so far as a line, such as "build done in 3.2 s". */
function newsOf(deployment: Deployment): string[] {
  return deployment.steps.flatMap((step) => {
    const name = nameOf(step);
    switch (step.state) {
      case StepState.RUNNING:
        return [`${name} began`];
      case StepState.DONE:
        return [`${name} done${durationOf(step)}`];
      case StepState.SKIPPED:
        return [`${name} left out`];
      case StepState.FAILED:
        return [`${name} failed${durationOf(step)}`];
      default:
        return [];
    }
  });
}

function stateOf(deployment: Deployment): string {
  const running = deployment.steps.find((step) => step.state === StepState.RUNNING);
  return running
    ? `${nameOf(running)} runs`
    : `deployment #${deployment.number} of ${deployment.app}`;
}

function nameOf(step: Step): string {
  return shortEnum(StepNameSchema, StepNameSchema.value[step.name]?.name ?? '') || 'step';
}

function durationOf({ startTime, endTime }: Step): string {
  if (!startTime || !endTime) return '';
  return ` in ${((timestampMs(endTime) - timestampMs(startTime)) / 1000).toFixed(1)} s`;
}

/** Returns the request with a wait that ends before the deadline of the call does. */
export function boundWait(request: Message, deadlineMs: number): WaitDeploymentRequest {
  const wait = request as WaitDeploymentRequest;
  const most = Math.max(1, Math.floor((deadlineMs - 2000) / 1000));
  const timeoutSeconds = Math.min(wait.timeoutSeconds || most, most);
  return create(WaitDeploymentRequestSchema, {
    app: wait.app,
    number: wait.number,
    timeoutSeconds,
  });
}
