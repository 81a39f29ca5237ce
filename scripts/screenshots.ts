// Takes the README's pictures: a world with a few apps, as a person sees it. Run it after a change of the dashboard's look.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { connectClient } from '../mcp/testing/house.ts';
import { startBrowser } from '../tests/support/browser.ts';
import { startGitServer, type Files } from '../tests/support/git-server.ts';
import { startWorld, until } from '../tests/support/world.ts';
import { buildWeb } from './web-build.ts';

/** Short waits, but a bake that lasts until both pictures are taken. */
const settings = { health_interval_ms: 50, health_passes: 3, bake_ms: 500, drain_ms: 200 };
const images = new URL('../docs/images', import.meta.url).pathname;
mkdirSync(images, { recursive: true });
await buildWeb();
const git = await startGitServer();
const world = await startWorld();
const browser = await startBrowser();
const named = { name: 'coding-agent', version: '1.0.0' };
const ai = await connectClient(`${world.url}/mcp/token`, '2025-11-25', world.mcpToken, named);
try {
  const page = await browser.open();
  await populate();
  await signIn(page);
  await deployment(page);
  await overview(page);
} finally {
  await ai.close();
  await browser.close();
  await world.close();
  await git.close();
}

/** Some apps as they stand in a small company: three that serve, one whose last commit was refused. */
async function populate(): Promise<void> {
  for (const [name, message] of [
    ['docs', 'Explain the new checkout'],
    ['shop', 'Show prices with tax'],
    ['api', 'Answer faster when the cache is cold'],
  ] as const) {
    await git.commit(name, program(name), message);
    await make(name);
    await deploy(name);
  }
  const broken = "console.error('Error: DATABASE_URL is not set');\nprocess.exit(1);\n";
  await git.commit('api', { 'server.js': broken }, 'Read orders from the new database');
  await deploy('api');
}

async function signIn(page: Page): Promise<void> {
  await page.goto(`${world.url}/login`);
  await page.getByLabel('E-mail address').fill(world.email);
  await page.getByLabel('Password').fill(world.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
}

/** A deployment while its new release bakes. */
async function deployment(page: Page): Promise<void> {
  const slow = { ...settings, bake_ms: 30_000 };
  await ai.callTool({ name: 'update_app', arguments: { app: 'shop', settings: slow } });
  await git.commit('shop', program('shop', 'v2'), 'Keep the basket when a visitor signs in');
  const { structuredContent } = await ai.callTool({
    name: 'create_deployment',
    arguments: { app: 'shop', reason: 'The basket was lost at sign-in' },
  });
  const { number } = (structuredContent as { deployment: { number: number } }).deployment;
  // Taller than the overview, for the log stands below the steps.
  await page.setViewportSize({ width: 1280, height: 1060 });
  await page.goto(`${world.url}/apps/shop/deployments/${number}`);
  await page
    .getByRole('list', { name: 'Steps' })
    .getByRole('listitem')
    .filter({ hasText: 'Bake' })
    .getByText('Running')
    .waitFor({ state: 'attached' });
  await page
    .getByRole('log')
    .getByText(/built account/)
    .first()
    .waitFor();
  await page.screenshot({ path: join(images, 'deployment.png') });
}

/** The overview while that deployment is under way. */
async function overview(page: Page): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(world.url);
  await page.getByRole('heading', { name: 'Under way' }).waitFor();
  await page.getByRole('link', { name: /shop#2/ }).waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  await page.screenshot({ path: join(images, 'overview.png') });
}

async function make(name: string): Promise<void> {
  const source = { repository: git.address(name) };
  await ai.callTool({ name: 'create_app', arguments: { name, source, settings } });
}

/** Deploys as an AI client does, and waits for the end. */
async function deploy(app: string): Promise<void> {
  await ai.callTool({ name: 'create_deployment', arguments: { app } });
  await until(`${app} is deployed`, async () => {
    const { done } = await world.client(DeploymentService).waitDeployment({ app });
    return done;
  });
}

function program(name: string, version = 'v1'): Files {
  return {
    'package.json': JSON.stringify({
      name,
      version: '1.0.0',
      private: true,
      scripts: {
        build: 'node build.js',
        start: 'node server.js',
      },
    }),
    'build.js': `for (const page of ['home', 'basket', 'checkout', 'account']) console.log('\u2713 built', page);\n`,
    'server.js': `require('node:http').createServer((_, response) => response.end('${name} ${version}'))
  .listen(process.env.PORT, process.env.HOST, () => console.log('${name} ${version} is listening'));
`,
  };
}
