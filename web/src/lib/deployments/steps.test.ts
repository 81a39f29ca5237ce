import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  DeploymentKind,
  DeploymentSchema,
  DeploymentState,
  StepName,
  StepState,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { expect, test } from 'vitest';
import { shownSteps, takenMs } from './steps.ts';

const names = (init: MessageInitShape<typeof DeploymentSchema>) =>
  shownSteps(create(DeploymentSchema, init)).map((step) => step.name);
const fetched = { name: StepName.FETCH, state: StepState.DONE };

test('a deployment that runs shows the steps that are still ahead', () => {
  const shown = names({
    kind: DeploymentKind.DEPLOY,
    state: DeploymentState.RUNNING,
    steps: [fetched],
  });
  expect(shown).toHaveLength(10);
  expect(shown.at(0)).toBe(StepName.FETCH);
  expect(shown.at(-1)).toBe(StepName.KEEP);
});

test('a roll back that runs promises no build', () => {
  const shown = names({ kind: DeploymentKind.ROLL_BACK, state: DeploymentState.RUNNING });
  expect(shown).not.toContain(StepName.BUILD);
  expect(shown).toContain(StepName.HEALTH);
});

test('a deployment that has ended shows only what it did, in order', () => {
  const shown = names({
    kind: DeploymentKind.DEPLOY,
    state: DeploymentState.FAILED,
    steps: [{ name: StepName.BUILD, state: StepState.FAILED }, fetched],
  });
  expect(shown).toEqual([StepName.FETCH, StepName.BUILD]);
});

test('a running step grows with the clock, one that ended does not', () => {
  const startTime = timestampFromMs(1_000);
  expect(takenMs({ startTime }, 4_000)).toBe(3_000);
  expect(takenMs({ startTime, endTime: timestampFromMs(1_500) }, 4_000)).toBe(500);
  expect(takenMs({ startTime }, 0)).toBe(0);
  expect(takenMs({}, 4_000)).toBeUndefined();
});
