import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { DeploymentState } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { LogService } from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { quick, startWorld, until, type World } from '../support/world.ts';

let world: World;
let git: GitServer;
beforeAll(async () => {
  git = await startGitServer();
  world = await startWorld();
});
afterAll(async () => {
  await world?.close();
  await git?.close();
});

const files = (greeting: string) => ({
  'package.json': JSON.stringify({
    name: 'shop',
    version: '1.0.0',
    private: true,
    type: 'module',
    scripts: { start: 'node server.js' },
  }),
  'package-lock.json': JSON.stringify({
    name: 'shop',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: { '': { name: 'shop', version: '1.0.0' } },
  }),
  'server.js': `import { createServer } from 'node:http';
createServer((_, response) => response.end(${JSON.stringify(greeting)})).listen(process.env.PORT, '127.0.0.1', () => console.log('listening'));
`,
});

test('an app is made, deployed, updated and rolled back, and its logs are there', async () => {
  await git.commit('shop', files('one'), 'Say one');
  const apps = world.client(AppService);
  await apps.createApp({
    name: 'shop',
    source: { repository: git.address('shop') },
    settings: quick,
  });

  const first = await world.deploy('shop');
  expect(first.failure).toBeUndefined();
  expect(first.state).toBe(DeploymentState.SUCCEEDED);
  expect(await world.get('shop.localhost')).toEqual({ status: 200, body: 'one' });

  await git.commit('shop', files('two'), 'Say two');
  const second = await world.deploy('shop');
  expect(second).toMatchObject({
    state: DeploymentState.SUCCEEDED,
    releaseBefore: 1,
    releaseAfter: 2,
    commitMessage: 'Say two',
  });
  expect((await world.get('shop.localhost')).body).toBe('two');

  const { deployment } = await world.client(DeploymentService).rollBackApp({ app: 'shop' });
  const back = await world
    .client(DeploymentService)
    .waitDeployment({ app: 'shop', number: deployment!.number });
  expect(back.deployment).toMatchObject({ state: DeploymentState.SUCCEEDED, releaseAfter: 1 });
  expect((await world.get('shop.localhost')).body).toBe('one');

  const { app } = await apps.getApp({ app: 'shop' });
  expect(app).toMatchObject({
    state: AppState.SERVING,
    servingRelease: 1,
    urls: [`http://shop.localhost:${world.frontPort}`],
  });
  await until(
    'the app log arrived',
    async () =>
      (await world.client(LogService).searchLogs({ app: 'shop', contains: 'listening' })).lines
        .length > 0,
  );
});
