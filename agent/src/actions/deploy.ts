import { DeploymentOutcome, StepName } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { Deploy } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { layout } from '../verbs/layout.ts';
import { build, runningOf } from './build.ts';
import { changeOver, clearUp } from './change-over.ts';
import { closeDeployment, openDeployment, type Deployment, type Desk } from './deployment.ts';
import { fail } from './failure.ts';
import { fetch } from './fetch.ts';
import { emptyRecord, goBack } from './go-back.ts';
import { inspect, type Plan } from './inspect.ts';
import { install } from './install.ts';
import { endStrays } from './keep.ts';
import { readRecords, readRelease, writeRecord, writeRelease, type Release } from './record.ts';
import { keepVariables, openVariables } from './variables.ts';

/** Brings a commit into service. It never throws for a deployment that fails by itself: that is reported, and what served before serves on. */
export async function deploy(desk: Desk, order: Deploy, signal: AbortSignal): Promise<void> {
  const { app, deploymentId, release } = order;
  if (app === undefined) throw new Error('the order names no app');
  const opening = { app, deploymentId, kind: 'deploy', release, instance: 0 } as const;
  const deployment = await openDeployment(desk, opening, signal);
  try {
    const made = await makeRelease(deployment, order);
    await changeOver(deployment, made);
  } catch (error) {
    return goBack(deployment, error);
  }
  await succeed(deployment);
}

/** Ends a deployment whose release has proved itself. */
export async function succeed(deployment: Deployment): Promise<void> {
  await clearUp(deployment);
  await closeDeployment(deployment, DeploymentOutcome.DEPLOYMENT_OUTCOME_SUCCEEDED, null);
}

/** fetch → inspect → install → build. */
async function makeRelease(deployment: Deployment, order: Deploy): Promise<Release> {
  const source = await deployment.step(StepName.STEP_NAME_FETCH, async (say) => {
    const label = await prepare(deployment, order);
    await fetch(deployment, order.ref, say);
    const { commit, commitMessage } = deployment.journal();
    return { ...label, commit, commitMessage };
  });
  const plan = await deployment.step(StepName.STEP_NAME_INSPECT, async (say) => {
    const { app, context } = deployment;
    const found = inspect(layout(context.settings.apps, app.appId).tree(order.release), app);
    // Without a build nothing will change any more, so what is missing can be said here.
    if (found.build === undefined) runningOf(deployment, found);
    deployment.log.line('system', found.why);
    say(found.why);
    return found;
  });
  if (isInstalled(plan)) {
    await deployment.step(StepName.STEP_NAME_INSTALL, (say) => install(deployment, plan, say));
  } else deployment.skip(StepName.STEP_NAME_INSTALL, 'There are no packages to install.');
  const finish = async (): Promise<Release> => {
    const release = { ...source, running: runningOf(deployment, plan) };
    await writeRelease(deployment.execute, release);
    return release;
  };
  const { build: script } = plan;
  if (script === undefined) {
    deployment.skip(StepName.STEP_NAME_BUILD, 'There is no build script.');
    return finish();
  }
  return deployment.step(StepName.STEP_NAME_BUILD, async (say) => {
    const variables = openVariables(deployment.context, source.appId, order.release);
    await build(deployment, script, { ...plan.buildEnv, ...variables }, say);
    return finish();
  });
}

/** Files that are served as they are need no packages. */
const isInstalled = (plan: Plan): boolean =>
  plan.install !== 'none' && !(plan.kind === 'static' && plan.build === undefined);

/** Labels the new release's folder before anything is put into it, and opens its variables once, so that they are known to the redactor. */
async function prepare(deployment: Deployment, order: Deploy): Promise<Release> {
  const { app, context, execute, settings } = deployment;
  const { appId } = app;
  const { apps } = context.settings;
  await execute({ verb: 'end leftovers', appId });
  refuseTaken(deployment);
  if (deployment.journal().before === null) await writeRecord(execute, emptyRecord(deployment));
  await endStrays(deployment, appId);
  const there = readRelease(apps, appId, order.release);
  if (there?.isKept === true)
    fail('RELEASE_TAKEN', `Release ${order.release} exists already, made of another commit.`);
  if (there !== undefined) await execute({ verb: 'remove release', appId, release: order.release });
  const label: Release = {
    version: 1,
    appId,
    release: order.release,
    deploymentId: order.deploymentId,
    commit: '',
    commitMessage: '',
    directory: app.directory,
    running: null,
    settings,
    createdAtMs: Date.now(),
    isKept: false,
  };
  await writeRelease(execute, label);
  await keepVariables(deployment, appId, order.release, order.variables);
  openVariables(context, appId, order.release);
  return label;
}

/** Two apps of one server cannot answer under one name. */
function refuseTaken({ context, app }: Deployment): void {
  for (const other of readRecords(context.settings.apps)) {
    if (other.appId === app.appId || other.serving === null) continue;
    if (other.name === app.name)
      fail('NAME_TAKEN', `Another app of this server is already named ${app.name}.`);
    const domain = app.domains.find((each) => other.domains.includes(each));
    if (domain !== undefined)
      fail('NAME_TAKEN', `${domain} already belongs to the app ${other.name} of this server.`);
  }
}
