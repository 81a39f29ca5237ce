import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type {
  DeploymentKind,
  DeploymentSchema,
  DeploymentState,
  StepName,
  StepState,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import type { AppRow } from '../apps/entity.ts';
import type { DeploymentRow, StepColumn } from './entity.ts';

/** A deployment as callers see it; lists leave the steps out. */
export function toDeployment(
  row: DeploymentRow,
  app: AppRow,
  withSteps = true,
): MessageInitShape<typeof DeploymentSchema> {
  return {
    id: row.id,
    app: app.name,
    number: row.number,
    kind: row.kind as DeploymentKind,
    state: row.state as DeploymentState,
    ref: row.ref,
    commit: row.commit,
    commitMessage: row.commitMessage,
    release: row.release,
    releaseBefore: row.releaseBefore,
    releaseAfter: row.releaseAfter,
    steps: withSteps ? row.steps.map(toStep) : [],
    ...(row.failure ? { failure: { ...row.failure, step: row.failure.step as StepName } } : {}),
    requester: row.requester,
    reason: row.reason,
    createTime: timestampFromDate(row.createdAt),
    ...(row.startedAt ? { startTime: timestampFromDate(row.startedAt) } : {}),
    ...(row.endedAt ? { endTime: timestampFromDate(row.endedAt) } : {}),
    urls: app.urls,
  };
}

function toStep(step: StepColumn) {
  return {
    name: step.name as StepName,
    state: step.state as StepState,
    ...(step.startMs ? { startTime: timestampFromMs(step.startMs) } : {}),
    ...(step.endMs ? { endTime: timestampFromMs(step.endMs) } : {}),
    detail: step.detail,
  };
}
