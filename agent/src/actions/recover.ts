import { StepName } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { AppSpec } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { bake, serveNew } from './change-over.ts';
import { succeed } from './deploy.ts';
import {
  carryOn,
  openDeployment,
  readJournal,
  reportEnd,
  type Deployment,
  type Desk,
  type Journal,
} from './deployment.ts';
import { fail } from './failure.ts';
import { finishGoingBack, goBack } from './go-back.ts';
import { readRelease } from './record.ts';
import { findProcess } from './start.ts';

/** A deployment as its order names it. */
type Order = {
  readonly app?: AppSpec | undefined;
  readonly deploymentId: string;
  readonly release: number;
};

/**
 * Ends a deployment in whose middle the agent was killed. Before the switch it returns; after it, it
 * goes on where the new release still runs, and returns where it does not.
 */
export async function recoverDeployment(
  desk: Desk,
  kind: Journal['kind'],
  order: Order,
  signal: AbortSignal,
): Promise<void> {
  const { app, deploymentId, release } = order;
  if (app === undefined) throw new Error('the order names no app');
  const journal = readJournal(desk, app.appId);
  if (journal?.deploymentId !== deploymentId) {
    const opening = { app, deploymentId, kind, release, instance: 0 };
    return interrupt(await openDeployment(desk, opening, signal));
  }
  if (journal.end !== null) return reportEnd(desk, app.appId, journal);
  const deployment = carryOn(desk, app, journal, signal);
  deployment.log.line('system', 'The agent was stopped; it takes the deployment up again.');
  if (journal.failure !== null) return finishGoingBack(deployment, journal.failure);
  if (!journal.isSwitched) return interrupt(deployment);
  try {
    if (!journal.isBaked) await goOn(deployment);
  } catch (error) {
    return goBack(deployment, error);
  }
  await succeed(deployment);
}

/** Makes the switch once more, since it cannot be known how far it came, and watches the release from the beginning. */
async function goOn(deployment: Deployment): Promise<void> {
  const { app, context } = deployment;
  const { instance, port, release: number } = deployment.journal();
  const release = readRelease(context.settings.apps, app.appId, number);
  const run = { release: number, instance, port };
  const process = await findProcess(deployment, app.appId, run);
  if (release?.running == null || (release.running.kind === 'node' && process === undefined)) {
    fail('INTERRUPTED', 'The agent was stopped, and the new release no longer runs.');
  }
  await serveNew(deployment);
  await bake(deployment, release, process);
}

async function interrupt(deployment: Deployment): Promise<void> {
  const { step } = deployment.journal();
  const at = step === StepName.STEP_NAME_UNSPECIFIED ? StepName.STEP_NAME_FETCH : step;
  try {
    await deployment.step(at, async () =>
      fail('INTERRUPTED', 'The agent was stopped in this step; what served before serves on.'),
    );
  } catch (error) {
    await goBack(deployment, error);
  }
}
