import { StepName } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { RollBack } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { changeOver } from './change-over.ts';
import { succeed } from './deploy.ts';
import { openDeployment, type Desk } from './deployment.ts';
import { fail } from './failure.ts';
import { goBack } from './go-back.ts';
import { readRecord, readRelease, readReleases } from './record.ts';

const NOT_DONE_AGAIN = [
  StepName.STEP_NAME_FETCH,
  StepName.STEP_NAME_INSTALL,
  StepName.STEP_NAME_BUILD,
];

/** Brings a kept release into service again, with the variables it had, through the same gate and without a rebuild. */
export async function rollBack(desk: Desk, order: RollBack, signal: AbortSignal): Promise<void> {
  const { app, deploymentId, release } = order;
  if (app === undefined) throw new Error('the order names no app');
  const { apps } = desk.context.settings;
  const serving = readRecord(apps, app.appId)?.serving;
  const instance = serving?.release === release ? serving.instance + 1 : 0;
  const opening = { app, deploymentId, kind: 'rollBack', release, instance } as const;
  const deployment = await openDeployment(desk, opening, signal);
  try {
    const kept = await deployment.step(StepName.STEP_NAME_INSPECT, async (say) => {
      const found = readRelease(apps, app.appId, release);
      if (found?.isKept !== true) {
        const good = readReleases(apps, app.appId).filter(({ isKept }) => isKept);
        const known = good.map((each) => each.release).join(', ') || 'none';
        fail('NO_RELEASE', `Release ${release} is not kept on this server; kept are: ${known}.`);
      }
      await deployment.note({ commit: found.commit, commitMessage: found.commitMessage });
      say(`release ${release} is kept, at ${found.commit.slice(0, 12)}`);
      return found;
    });
    for (const step of NOT_DONE_AGAIN) deployment.skip(step, 'The release is kept as it was.');
    await changeOver(deployment, kept);
  } catch (error) {
    return goBack(deployment, error);
  }
  await succeed(deployment);
}
