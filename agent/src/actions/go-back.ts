import { DeploymentOutcome } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { serve } from './change-over.ts';
import { closeDeployment, failureOf, type Deployment, type EndFailure } from './deployment.ts';
import { reasonOf } from './failure.ts';
import { endStrays } from './keep.ts';
import { readRelease, writeRecord, type AppRecord } from './record.ts';

/**
 * Ends a deployment that failed: what served before serves again, and what was half made is removed.
 * Where the agent itself is told to stop it throws and touches nothing: the next start takes it up.
 */
export async function goBack(deployment: Deployment, error: unknown): Promise<void> {
  if (deployment.signal.aborted) {
    deployment.log.close();
    throw error;
  }
  await finishGoingBack(deployment, failureOf(deployment, reasonOf(error)));
}

/** Goes back for a reason that is known already, and reports it. */
export async function finishGoingBack(deployment: Deployment, failure: EndFailure): Promise<void> {
  await deployment.note({ failure });
  try {
    await restore(deployment);
    await closeDeployment(deployment, DeploymentOutcome.DEPLOYMENT_OUTCOME_FAILED, failure);
  } catch (second) {
    // What serves now cannot be vouched for, and that is what must be said.
    const { message } = reasonOf(second);
    await closeDeployment(deployment, DeploymentOutcome.DEPLOYMENT_OUTCOME_UNKNOWN, {
      ...failure,
      message: `${failure.message} Going back failed too: ${deployment.context.redactor.text(message)}`,
      next: 'Look at the app and at the services of the server, then deploy again.',
    });
  }
}

/** Undoes what a deployment has done so far; may be done again when it is cut short. */
async function restore(deployment: Deployment): Promise<void> {
  const { app, context, execute, journal } = deployment;
  const { before, isSwitched, kind, release, deploymentId } = journal();
  const { appId } = app;
  await execute({ verb: 'end leftovers', appId });
  if (isSwitched) await serve(deployment, before ?? emptyRecord(deployment));
  else if (before === null) await writeRecord(execute, emptyRecord(deployment));
  await endStrays(deployment, appId);
  // Another deployment's release may stand under the same number: only what this one made is removed.
  const made = readRelease(context.settings.apps, appId, release);
  const isOurs = kind === 'deploy' && made?.deploymentId === deploymentId;
  if (isOurs && before?.serving?.release !== release)
    await execute({ verb: 'remove release', appId, release });
}

/** What is remembered of an app of which nothing serves. */
export const emptyRecord = ({ app }: Pick<Deployment, 'app'>): AppRecord => ({
  version: 1,
  appId: app.appId,
  name: app.name,
  domains: app.domains,
  settings: null,
  serving: null,
  isStopped: false,
});
