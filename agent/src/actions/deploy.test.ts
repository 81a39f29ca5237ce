import { DeploymentOutcome } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGitServer, type GitServer } from '../../../tests/support/git-server.ts';
import { appSpec, makeDesk, orderOf, type TestDesk } from '../testing/desk.ts';
import { perform } from './perform.ts';

let desk: TestDesk;
let git: GitServer;
const { signal } = new AbortController();

const server = (text: string) => `
const { createServer } = require('node:http');
createServer((request, response) => response.end(${JSON.stringify(text)} + (process.env.GREETING ?? '')))
  .listen(process.env.PORT, process.env.HOST);`;
const files = (text: string) => ({
  'package.json': JSON.stringify({
    name: 'a',
    version: '1.0.0',
    scripts: { start: 'node server.js' },
  }),
  'server.js': server(text),
});

beforeAll(async () => {
  desk = await makeDesk('embedded');
  git = await startGitServer();
});
afterAll(async () => {
  await desk.close();
  await git.close();
});

test('deploys a commit', async () => {
  await git.commit('first', files('one'), 'Say one');
  const app = appSpec('first', git.address('first'));
  const order = orderOf({
    $case: 'deploy',
    value: { app, deploymentId: 'd1', release: 1, ref: '', variables: [], variablesVersion: 0 },
  });
  const result = await perform(desk.context, order, signal);
  expect(result).toEqual({ outcome: 'done' });
  expect(desk.end('d1')?.outcome).toBe(DeploymentOutcome.DEPLOYMENT_OUTCOME_SUCCEEDED);
  expect(await desk.get('first.localhost')).toEqual({ status: 200, body: 'one' });
}, 60_000);
