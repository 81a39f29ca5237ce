import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { tenantFilter } from '../store/tenant.ts';

/** One step; name and state are the numbers of StepName and StepState, times are milliseconds since 1970, 0 for not yet. */
export type StepColumn = {
  name: number;
  state: number;
  startMs: number;
  endMs: number;
  detail: string;
};

/** Why a deployment failed; step is the number of a StepName. */
export type FailureColumn = {
  step: number;
  code: string;
  message: string;
  evidence: string[];
  cause: string;
  next: string;
  retryable: boolean;
};

/** Who asked. */
export type RequesterColumn = { person: string; client: string; token: string };

/** One run that brings a release into service. */
export const Deployment = defineEntity({
  name: 'Deployment',
  tableName: 'deployments',
  uniques: [{ properties: ['app', 'number'] }],
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    app: p.string().index(),
    number: p.integer(),
    /** The numbers of DeploymentKind and DeploymentState. */
    kind: p.integer(),
    state: p.integer().index(),
    ref: p.string(),
    commit: p.string(),
    commitMessage: p.string(),
    release: p.integer(),
    releaseBefore: p.integer(),
    releaseAfter: p.integer(),
    variablesVersion: p.integer(),
    steps: p.json<StepColumn[]>(),
    failure: p.json<FailureColumn>().nullable(),
    requester: p.json<RequesterColumn>(),
    reason: p.string(),
    /** Grows with each change; the cursor of WatchDeployment. */
    revision: p.integer().default(1),
    createdAt: p.datetime(3),
    startedAt: p.datetime(3).nullable(),
    endedAt: p.datetime(3).nullable(),
  },
  filters: tenantFilter,
});
export type DeploymentRow = InferEntity<typeof Deployment>;
