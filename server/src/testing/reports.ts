import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AppReportSchema,
  DeploymentOutcome,
  DeploymentReportSchema,
  StepReportSchema,
  type StepName,
  type StepState,
} from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { hearState } from '../apps/hear.ts';
import { hearDeployment, hearStep } from '../deployments/hear.ts';
import type { Machine } from './machine.ts';
import type { Person } from './plane.ts';

/** Reports a step of a deployment as its server's agent would. */
export function reportStep(
  machine: Machine,
  deploymentId: string,
  step: StepName,
  state: StepState,
  more: MessageInitShape<typeof StepReportSchema> = {},
): Promise<void> {
  const body = { deploymentId, step, state, startMs: 1_700_000_000_000n, ...more };
  return machine.report((hearing) => hearStep(hearing, create(StepReportSchema, body)));
}

/** Reports the end of a deployment. */
export function reportEnd(
  machine: Machine,
  deploymentId: string,
  outcome: DeploymentOutcome,
  servingRelease: number,
  more: MessageInitShape<typeof DeploymentReportSchema> = {},
): Promise<void> {
  const body = { deploymentId, outcome, servingRelease, ...more };
  return machine.report((hearing) => hearDeployment(hearing, create(DeploymentReportSchema, body)));
}

/** Reports that a release of an app serves, and which ones are kept. */
export function reportServing(
  machine: Machine,
  appId: string,
  servingRelease: number,
  keptReleases: number[],
): Promise<void> {
  const body = { appId, state: AppState.SERVING, servingRelease, keptReleases };
  return machine.report((hearing) => hearState(hearing, create(AppReportSchema, body)));
}

/** Deploys an app as often, each time with success: releases 1 to `times`, all kept. */
export async function deployTimes(
  person: Person,
  machine: Machine,
  app: { id: string },
  times: number,
): Promise<void> {
  const client = person.client(DeploymentService);
  for (let release = 1; release <= times; release++) {
    const { deployment } = await client.createDeployment({ app: app.id });
    const commit = 'c'.repeat(40);
    await reportEnd(machine, deployment!.id, DeploymentOutcome.SUCCEEDED, release, { commit });
    const kept = Array.from({ length: release }, (_, index) => index + 1);
    await reportServing(machine, app.id, release, kept);
  }
}
