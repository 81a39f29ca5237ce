import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  DeploymentKind,
  DeploymentState,
  StepName,
  StepState,
  type Deployment,
  type Step,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { m } from '#lib/paraglide/messages.js';

const DEPLOY = [
  StepName.FETCH,
  StepName.INSPECT,
  StepName.INSTALL,
  StepName.BUILD,
  StepName.START,
  StepName.HEALTH,
  StepName.SWITCH,
  StepName.BAKE,
  StepName.DRAIN,
  StepName.KEEP,
];
const ROLL_BACK = [
  StepName.START,
  StepName.HEALTH,
  StepName.SWITCH,
  StepName.BAKE,
  StepName.DRAIN,
  StepName.KEEP,
];

/** A step as the timeline shows it; without a step it has not begun. */
export interface ShownStep {
  name: StepName;
  title: string;
  state: StepState;
  step: Step | undefined;
}

/** The steps of a deployment in their order; those ahead are shown until it has ended. */
export function shownSteps(deployment: Deployment): ShownStep[] {
  const byName = new Map(deployment.steps.map((step) => [step.name, step]));
  const usual = deployment.kind === DeploymentKind.ROLL_BACK ? ROLL_BACK : DEPLOY;
  const names = hasEnded(deployment)
    ? DEPLOY.filter((name) => byName.has(name))
    : DEPLOY.filter((name) => byName.has(name) || usual.includes(name));
  return names.map((name) => {
    const step = byName.get(name);
    return {
      name,
      title: stepTitle(name),
      state: step?.state ?? StepState.UNSPECIFIED,
      step,
    };
  });
}

/** Whether nothing comes after this state. */
export function hasEnded({ state }: Deployment): boolean {
  return (
    state === DeploymentState.SUCCEEDED ||
    state === DeploymentState.FAILED ||
    state === DeploymentState.UNKNOWN
  );
}

/** How long a step or a deployment has taken until now, in milliseconds; undefined before it begins. */
export function takenMs(
  span: Pick<Step, 'startTime' | 'endTime'>,
  now: number,
): number | undefined {
  if (!span.startTime) return undefined;
  const end = span.endTime ? timestampMs(span.endTime) : now;
  return Math.max(0, end - timestampMs(span.startTime));
}

/** What a step is called. */
export function stepTitle(name: StepName): string {
  const titles: Partial<Record<StepName, string>> = {
    [StepName.FETCH]: m.step_fetch(),
    [StepName.INSPECT]: m.step_inspect(),
    [StepName.INSTALL]: m.step_install(),
    [StepName.BUILD]: m.step_build(),
    [StepName.START]: m.step_start(),
    [StepName.HEALTH]: m.step_health(),
    [StepName.SWITCH]: m.step_switch(),
    [StepName.BAKE]: m.step_bake(),
    [StepName.DRAIN]: m.step_drain(),
    [StepName.KEEP]: m.step_keep(),
  };
  return titles[name] ?? '';
}
