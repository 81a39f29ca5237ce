import { create } from '@bufbuild/protobuf';
import type { EntityManager } from '@mikro-orm/sql';
import { DeploySchema, RollBackSchema } from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { Release, type AppRow } from '../apps/entity.ts';
import { sealedVariables, specOf } from '../apps/spec.ts';
import { checkRef } from '../apps/source.ts';
import { placeOrder } from '../fleet/outbox.ts';
import type { Change } from '../guard/change.ts';
import { notFound, problem, Reason } from '../guard/problems.ts';
import { newId } from '../store/ids.ts';
import { Deployment, type DeploymentRow } from './entity.ts';
import { Kind, State } from './states.ts';

/** The topic of one deployment's changes. */
export function deploymentTopic(id: string): string {
  return `deployment:${id}`;
}

/** Finds an app's deployment by its number; 0 means the last one. Throws NOT_FOUND. */
export async function findDeployment(
  em: EntityManager,
  app: AppRow,
  number: number,
): Promise<DeploymentRow> {
  const wanted = number || app.deploymentCount;
  const row = wanted ? await em.findOne(Deployment, { app: app.id, number: wanted }) : null;
  if (!row)
    throw notFound('deployment', number ? `${app.name}#${number}` : `of ${app.name} yet`, {
      method: 'serverflow.deployment.v1.DeploymentService/ListDeployments',
      argumentsJson: JSON.stringify({ app: app.name }),
    });
  return row;
}

/** Starts a deployment: its row and its order in one flush. Throws BAD_REF or DEPLOYMENT_RUNNING. */
export async function startDeploy(
  part: Change,
  app: AppRow,
  input: { ref: string; reason: string },
): Promise<DeploymentRow> {
  const ref = input.ref || app.ref;
  checkRef(ref);
  const row = await addDeployment(part, app, {
    kind: Kind.DEPLOY,
    ref,
    reason: input.reason,
    release: app.deploymentCount + 1,
  });
  const variables = await sealedVariables(part.em, app);
  const value = create(DeploySchema, {
    app: await specOf(part.em, app),
    deploymentId: row.id,
    release: row.release,
    ref,
    variables,
    variablesVersion: app.variablesVersion,
  });
  placeOrder(part, app.server, { case: 'deploy', value }, row.id);
  return row;
}

/** Starts serving a kept release again; 0 means the newest kept one before the one that serves. Throws NO_RELEASE or DEPLOYMENT_RUNNING. */
export async function startRollBack(
  part: Change,
  app: AppRow,
  input: { release: number; reason: string },
): Promise<DeploymentRow> {
  const number =
    input.release || Math.max(0, ...app.keptReleases.filter((kept) => kept < app.servingRelease));
  const release = number ? await part.em.findOne(Release, { app: app.id, number }) : null;
  if (!release || !app.keptReleases.includes(number))
    throw problem(Reason.NO_RELEASE, {
      app: app.name,
      release: input.release ? `kept #${input.release}` : 'earlier',
    });
  if (number === app.servingRelease)
    throw problem(Reason.APP_STATE, {
      app: app.name,
      state: `serving #${number} already`,
      action: 'going back to it',
    });
  const row = await addDeployment(part, app, {
    kind: Kind.ROLL_BACK,
    ref: '',
    reason: input.reason,
    release: number,
  });
  row.commit = release.commit;
  row.commitMessage = release.commitMessage;
  row.variablesVersion = release.variablesVersion;
  const spec = await specOf(part.em, app);
  const value = create(RollBackSchema, { app: spec, deploymentId: row.id, release: number });
  placeOrder(part, app.server, { case: 'rollBack', value }, row.id);
  return row;
}

async function addDeployment(
  part: Change,
  app: AppRow,
  input: { kind: Kind; ref: string; reason: string; release: number },
): Promise<DeploymentRow> {
  const { em, call, organization } = part;
  const running = await em.findOne(Deployment, {
    app: app.id,
    state: { $in: [State.QUEUED, State.RUNNING] },
  });
  if (running)
    throw problem(
      Reason.DEPLOYMENT_RUNNING,
      { app: app.name, number: String(running.number) },
      {
        nextCall: {
          method: 'serverflow.deployment.v1.DeploymentService/WaitDeployment',
          argumentsJson: JSON.stringify({ app: app.name, number: running.number }),
        },
      },
    );
  app.deploymentCount += 1;
  const caller = call.caller;
  const row = em.create(Deployment, {
    id: newId('dep'),
    organization,
    app: app.id,
    number: app.deploymentCount,
    kind: input.kind,
    state: State.QUEUED,
    ref: input.ref,
    commit: '',
    commitMessage: '',
    release: input.release,
    releaseBefore: app.servingRelease,
    releaseAfter: app.servingRelease,
    variablesVersion: app.variablesVersion,
    steps: [],
    failure: null,
    requester: {
      person: caller.kind === 'anyone' ? '' : caller.email,
      client: call.client,
      token: caller.kind === 'token' ? caller.tokenName : '',
    },
    reason: input.reason,
    createdAt: new Date(),
    startedAt: null,
    endedAt: null,
  });
  part.about(
    'app',
    app.name,
    input.kind === Kind.DEPLOY
      ? `asked for deployment #${row.number}`
      : `asked to go back to release #${input.release}`,
  );
  part.changed(ThingKind.DEPLOYMENT, row.id, `${app.name}#${row.number}`);
  return row;
}
