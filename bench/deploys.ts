import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import {
  DeploymentState,
  StepNameSchema,
  StepState,
  type StepName,
  type Deployment,
  type Step,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { layout } from '../agent/src/verbs/layout.ts';
import { generate, generatedApps } from '../tests/support/generated-app.ts';
import { startGitServer } from '../tests/support/git-server.ts';
import { quick, startWorld, type World } from '../tests/support/world.ts';
import { byHand } from './by-hand.ts';
import { median, type Findings } from './figure.ts';

const execute = promisify(execFile);
const rounds = 5;

/** What the gate waits by its settings even for a release that is healthy at once, in milliseconds. */
const gateMs = quick.healthIntervalMs * (quick.healthPasses - 1) + quick.bakeMs;

/**
 * A new app from its repository to serving, against the same commands by hand. Both have a warm npm cache, a PM2 that runs, and a
 * new folder each time; the first round, which warms them, is not counted.
 */
export async function deploys(): Promise<Findings> {
  const folder = mkdtempSync(join(tmpdir(), 'sf-bench-'));
  const git = await startGitServer();
  const world = await startWorld();
  const hand = byHand(join(folder, 'hand'));
  try {
    await git.commitFolder('express', await makeExpress(folder), 'As generated');
    const address = git.address('express');
    const cache = join(folder, 'npm');
    const ours: number[] = [];
    const floor: number[] = [];
    const made: Deployment[] = [];
    for (let round = 0; round <= rounds; round++) {
      const handMs = await hand.deploy(`hand-${round}`, address, cache);
      const { ms, deployment } = await deployNew(world, `express-${round}`, address, cache);
      if (round === 0) continue;
      floor.push(handMs);
      ours.push(ms);
      made.push(deployment);
    }
    return {
      figures: [
        {
          what: `deploy of a new Express app, less the gate's own waiting of ${gateMs} ms`,
          ours: median(ours) - gateMs,
          against: 'git, tar, npm ci, pm2 start and a first 200 by hand',
          floor: median(floor),
          unit: 'ms',
          aim: { atMost: 1.15 },
        },
      ],
      notes: [`Steps of a deploy, medians: ${stepsOf(made)}.`, hand.story()],
    };
  } finally {
    await hand.close();
    await world.close();
    await git.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes an app, deploys it, and says how long it took until the deployment was done. */
async function deployNew(
  world: World,
  name: string,
  repository: string,
  cache: string,
): Promise<{ ms: number; deployment: Deployment }> {
  const apps = world.client(AppService);
  const settings = { ...quick, healthDeadlineMs: 30_000 };
  const { app } = await apps.createApp({ name, source: { repository }, settings });
  const place = layout(join(world.folder, 'agent', 'apps'), app?.id ?? '');
  cpSync(cache, place.npmCache, { recursive: true });
  const begin = performance.now();
  const deployment = await world.deploy(name);
  const ms = performance.now() - begin;
  const { status } = await world.get(`${name}.localhost`);
  if (deployment.state !== DeploymentState.SUCCEEDED || status !== 200)
    throw new Error(`${name} was not deployed: ${deployment.failure?.message ?? status}`);
  await apps.deleteApp({ app: name });
  return { ms, deployment };
}

/** An Express app by its public generator, with a lock file. */
async function makeExpress(folder: string): Promise<string> {
  const express = generatedApps.find(({ name }) => name === 'express');
  if (!express) throw new Error('There is no generator of an Express app.');
  const tree = await generate(express, folder);
  const env = { ...process.env, npm_config_audit: 'false', npm_config_fund: 'false' };
  await execute('npm', ['install', '--package-lock-only'], { cwd: tree, env });
  return tree;
}

function stepsOf(made: readonly Deployment[]): string {
  const names =
    made[0]?.steps.filter(({ state }) => state === StepState.DONE).map(({ name }) => name) ?? [];
  return names
    .map((name) => {
      const times = made.map(({ steps }) => msOf(steps.find((step) => step.name === name)));
      return `${nameOf(name)} ${median(times).toFixed(0)} ms`;
    })
    .join(', ');
}

const nameOf = (step: StepName): string =>
  StepNameSchema.value[step]?.localName.toLowerCase() ?? '';

function msOf(step: Step | undefined): number {
  return step?.startTime && step.endTime
    ? timestampMs(step.endTime) - timestampMs(step.startTime)
    : 0;
}
