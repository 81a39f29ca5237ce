import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { DeploymentState } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { edit, generate, generatedApps } from '../support/generated-app.ts';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { quick, startWorld, type World } from '../support/world.ts';

// A server-rendered app may take seconds to start while the other workers of the suite build.
const settings = { ...quick, healthDeadlineMs: 30_000 };
const CHANGED = '<h1>A second version</h1>';

let folder: string;
let git: GitServer;
let world: World;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'serverflow-generated-'));
  git = await startGitServer();
  world = await startWorld();
});
afterAll(async () => {
  await world?.close();
  await git?.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each(generatedApps)(
  'what the generator of $name makes is deployed, updated and rolled back',
  async (app) => {
    const { name, file, title } = app;
    const tree = await generate(app, folder);
    await git.commitFolder(name, tree, 'As generated');
    const source = { repository: git.address(name) };
    await world.client(AppService).createApp({ name, source, settings });

    await expectServed(await world.deploy(name), { app: name, release: 1, says: title });

    edit(tree, [file, title, CHANGED]);
    await git.commitFolder(name, tree, 'Change the title');
    await expectServed(await world.deploy(name), { app: name, release: 2, says: CHANGED });

    await expectServed(await rollBack(name), { app: name, release: 1, says: title });
  },
  600_000,
);

type Ended = Awaited<ReturnType<World['deploy']>>;

async function expectServed(
  { state, failure, releaseAfter }: Ended,
  { app, release, says }: { app: string; release: number; says: string },
): Promise<void> {
  expect({ state, failure, releaseAfter }).toEqual({
    state: DeploymentState.SUCCEEDED,
    failure: undefined,
    releaseAfter: release,
  });
  const page = await open(app);
  for (const other of [CHANGED, ...generatedApps.map(({ title }) => title)])
    expect({ other, isThere: page.includes(other) }).toEqual({ other, isThere: other === says });
}

/** The page of an app with the scripts of its own that it loads, as a browser has them before it runs them. */
async function open(app: string): Promise<string> {
  const host = `${app}.localhost`;
  const page = await world.get(host);
  expect(page.status).toBe(200);
  const scripts = [...page.body.matchAll(/<script[^>]* src="(\/[^"]+)"/g)].map((found) => found[1]);
  const texts = scripts.map(async (path) => {
    const script = await world.get(host, path);
    expect({ path, status: script.status }).toEqual({ path, status: 200 });
    return script.body;
  });
  return [page.body, ...(await Promise.all(texts))].join('\n');
}

async function rollBack(app: string): Promise<Ended> {
  const deployments = world.client(DeploymentService);
  const { deployment } = await deployments.rollBackApp({ app });
  const answer = await deployments.waitDeployment({ app, number: deployment!.number });
  return answer.deployment!;
}
