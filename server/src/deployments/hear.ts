import {
  DeploymentOutcome,
  type DeploymentReport,
  type StepReport,
} from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { App, Release, type AppRow } from '../apps/entity.ts';
import type { OrderRow } from '../fleet/entity.ts';
import type { Hearing } from '../fleet/hearing.ts';
import { newId } from '../store/ids.ts';
import { deploymentTopic } from './deployments.ts';
import { Deployment, type DeploymentRow, type FailureColumn } from './entity.ts';
import { hasEnded, Kind, State } from './states.ts';

const outcomes: Record<number, number> = {
  [DeploymentOutcome.SUCCEEDED]: State.SUCCEEDED,
  [DeploymentOutcome.FAILED]: State.FAILED,
  [DeploymentOutcome.UNKNOWN]: State.UNKNOWN,
};

/** Hears that a step began or ended. What an agent says of another server's deployments, or of one that has ended, has no effect. */
export async function hearStep(hearing: Hearing, report: StepReport): Promise<void> {
  const found = await find(hearing, report.deploymentId);
  if (!found || hasEnded(found.row.state)) return;
  const { row } = found;
  row.state = State.RUNNING;
  row.startedAt ??= new Date(Number(report.startMs));
  if (report.commit) [row.commit, row.commitMessage] = [report.commit, report.commitMessage];
  const step = {
    name: report.step,
    state: report.state,
    startMs: Number(report.startMs),
    endMs: Number(report.endMs),
    detail: report.detail,
  };
  row.steps = [...row.steps.filter((known) => known.name !== report.step), step].toSorted(
    (a, b) => a.name - b.name,
  );
  touch(hearing, found);
}

/** Hears how a deployment ended, with the release that serves as measured. */
export async function hearDeployment(hearing: Hearing, report: DeploymentReport): Promise<void> {
  const found = await find(hearing, report.deploymentId);
  if (!found || hasEnded(found.row.state)) return;
  const { row, app } = found;
  row.state = outcomes[report.outcome] ?? State.UNKNOWN;
  row.endedAt = new Date();
  row.startedAt ??= row.endedAt;
  if (report.commit) [row.commit, row.commitMessage] = [report.commit, report.commitMessage];
  row.releaseAfter = report.servingRelease;
  row.failure = report.failure ? failureOf(report.failure) : null;
  if (row.state === State.SUCCEEDED) {
    app.servingRelease = report.servingRelease;
    if (row.kind === Kind.DEPLOY) await keepRelease(hearing, row);
  }
  touch(hearing, found);
}

/**
 * Hears that a deploy's order ended: then the deployment has ended too, and says why where its own report did not. One whose order was
 * done without a word about how it ended is unknown, for else it would run for ever.
 */
export async function hearOrderEnd(hearing: Hearing, order: OrderRow): Promise<void> {
  const found = await find(hearing, order.subject);
  if (!found || hasEnded(found.row.state)) return;
  const { row } = found;
  const isUnknown = order.state === 'unknown' || order.state === 'done';
  row.state = isUnknown ? State.UNKNOWN : State.FAILED;
  row.endedAt = new Date();
  row.failure = {
    step: 0,
    code: order.code || 'ORDER_FAILED',
    message: order.message || 'The server did not say how the deployment ended.',
    evidence: [],
    cause: '',
    next: nextOf(order.state),
    retryable: order.state !== 'refused',
  };
  touch(hearing, found);
}

function nextOf(state: string): string {
  if (state === 'refused')
    return "Correct what the server refused, or change the server's policy.toml, then deploy again.";
  return 'Look at the state of the app, then deploy again.';
}

async function find(
  { em, server }: Hearing,
  id: string,
): Promise<{ row: DeploymentRow; app: AppRow } | undefined> {
  const row = await em.findOne(Deployment, { id, organization: server.organization });
  const app = row && (await em.findOne(App, { id: row.app, server: server.id }));
  return row && app ? { row, app } : undefined;
}

function touch(hearing: Hearing, { row, app }: { row: DeploymentRow; app: AppRow }): void {
  row.revision += 1;
  hearing.changed(ThingKind.DEPLOYMENT, row.id, `${app.name}#${row.number}`);
  hearing.afterCommit(() => hearing.live.publish(deploymentTopic(row.id)));
}

async function keepRelease({ em, server }: Hearing, row: DeploymentRow): Promise<void> {
  if (await em.findOne(Release, { app: row.app, number: row.release })) return;
  em.create(Release, {
    id: newId('rel'),
    organization: server.organization,
    app: row.app,
    number: row.release,
    commit: row.commit,
    commitMessage: row.commitMessage,
    variablesVersion: row.variablesVersion,
    deployment: row.number,
    createdAt: new Date(),
  });
}

function failureOf(failure: NonNullable<DeploymentReport['failure']>): FailureColumn {
  const { step, code, message, evidence, cause, next, retryable } = failure;
  return { step, code, message, evidence: evidence.slice(0, 40), cause, next, retryable };
}
