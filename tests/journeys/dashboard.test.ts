import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectClient } from '../../mcp/testing/house.ts';
import { barriers, overflow, startBrowser, type Browser } from '../support/browser.ts';
import { breakages, steadyApp } from '../support/breakages.ts';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { startInstallation, type Installation } from '../support/installation.ts';
import { leftovers } from '../support/leftovers.ts';
import { getThrough, until } from '../support/world.ts';

const person = { email: 'ada@example.com', password: 'correct horse battery staple' };
let installed: Installation;
let git: GitServer;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  [git, installed, browser] = await Promise.all([
    startGitServer(),
    startInstallation(),
    startBrowser(),
  ]);
  page = await browser.open();
});
afterAll(async () => {
  await browser?.close();
  await installed?.close();
  await git?.close();
});

const go = (path: string) => page.goto(`${installed.url}${path}`);
const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
const link = (name: string) => page.getByRole('link', { name, exact: true });
const shows = (text: string | RegExp) => page.getByText(text).first().waitFor();
const heading = (name: string) => page.getByRole('heading', { name }).waitFor();
const answer = async (app: string) =>
  (await getThrough(installed.frontPort, `${app}.localhost`, '/')).body;

/** The state that stands beside the deployment's number. */
const ends = async (number: number, state: string) => {
  await page.waitForURL(`**/deployments/${number}`);
  const head = page.getByRole('heading', { name: `Deployment #${number}` }).locator('..');
  await head.getByText(state, { exact: true }).waitFor({ timeout: 75_000 });
};

async function signIn(): Promise<void> {
  await page.getByLabel('E-mail address').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await button('Sign in').click();
}

test('the printed address makes the owner, who can sign out and in again', async () => {
  await page.goto(installed.setupUrl);
  await page.getByLabel('E-mail address').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  expect(page.url()).toBe(`${installed.url}/setup`);
  await button('Create the owner').click();
  await heading('First steps');

  await link('Settings').click();
  await button('Sign out').click();
  await page.waitForURL('**/login**');
  await go('/apps');
  await page.waitForURL('**/login?next=%2Fapps');
  await signIn();
  await page.waitForURL('**/apps');
  await heading('No app yet');
  // The one page that was asked for while nobody was signed in.
  const refused = browser.complaints.splice(0);
  expect(refused.filter((text) => !text.includes('401 (Unauthorized)'))).toEqual([]);
});

test('a server is connected while its page is open, with the four words that its agent printed', async () => {
  await go('/servers/new');
  await page.getByLabel('Server name').fill('edge');
  await button('Make the command').click();
  const token = await page.getByLabel('Token', { exact: true }).textContent();
  const printed = await installed.enroll(token ?? '');
  await heading('edge is online');
  const words = await page.getByLabel('The four words match').locator('span').allTextContents();
  expect(words).toHaveLength(4);
  expect(printed).toContain(words.map((word) => word.trim()).join(' '));
  await shows(/Token used from 127\.0\.0\.1/);
});

test('the bundled example is deployed with one click and followed live', async () => {
  await link('New app').click();
  await button('Deploy it').click();
  await ends(1, 'Running');
  const steps = page.getByRole('list', { name: 'Steps' });
  await steps.getByText('Bake').waitFor();
  await page.getByRole('log').getByText(/./).first().waitFor();
  await steps.getByRole('listitem').filter({ hasText: 'Switch' }).getByText('Done').waitFor();
  expect(await answer('hello')).toContain('Hello from your own server');
});

test('an AI client gets a token of its own, its first call is shown as it comes, and the token is revoked', async () => {
  await go('/clients/connect');
  await page.getByLabel('Name').fill('laptop');
  await button('Make its token').click();
  const token = (await page.getByLabel('Token', { exact: true }).textContent()) ?? '';
  expect(token).toMatch(/^sfp_/);
  expect(await page.getByLabel('Run', { exact: true }).textContent()).toBe(
    `claude mcp add --transport http serverflow ${installed.url}/mcp/token --header "Authorization: Bearer ${token}"`,
  );
  await shows('Waiting for its first call');
  const client = await connectClient(`${installed.url}/mcp/token`, '2025-11-25', token);
  const listed = await client.callTool({ name: 'list_apps', arguments: {} });
  expect(listed.isError).not.toBe(true);
  await shows('test-client is connected');
  await client.close();

  await go('/settings/tokens');
  await page.getByRole('row').filter({ hasText: 'laptop' }).getByRole('button').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await shows('laptop is revoked');
  await until('the token is refused', async () => {
    const again = await fetch(`${installed.url}/mcp/token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
    });
    return again.status === 401;
  });
});

test('a broken commit shows the reason, the evidence and the next step, and the old release serves', async () => {
  const broken = breakages.find(({ code }) => code === 'CRASHED_AT_START')!;
  await git.commit('shop', steadyApp('one'), 'Say one');
  await go('/apps/new');
  await page.getByLabel('Repository').fill(git.address('shop'));
  await shows('How it is built, checked and switched');
  await page.getByText('How it is built, checked and switched').click();
  await page.getByLabel('Watched before the old stops, s').fill('0.5');
  await page.getByLabel('Old connections may last, s').fill('0.2');
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('shop');
  await button('Create and deploy').click();
  await ends(1, 'Succeeded');

  await git.commit('shop', broken.files, 'Break it');
  await button('Deploy').click();
  await ends(2, 'Failed');
  const failure = page.getByRole('alert');
  expect(await failure.textContent()).toMatch(broken.message);
  expect(await page.getByLabel('Evidence').textContent()).toContain(broken.evidence);
  expect(await failure.getByText('Next:').locator('..').textContent()).toMatch(broken.next);
  await shows('Release 1 serves still');
  expect(await answer('shop')).toBe('one');
});

test('a variable waits for the next deployment, and a release is rolled back from its page', async () => {
  await go('/apps/hello/deployments/1');
  await ends(1, 'Succeeded');
  await link('Config').click();
  await page.getByLabel('Watched before the old stops, s').fill('0.5');
  await page.getByLabel('Old connections may last, s').fill('0.2');
  await button('Save').click();
  await shows('Saved');
  await page.getByLabel('Kind of value').selectOption('plain');
  await page.getByLabel('Name', { exact: true }).fill('GREETING');
  await page.getByLabel('Value', { exact: true }).fill('Bonjour');
  await button('Set').click();
  await shows(/Variables have changed since the release that serves/);
  await button('Deploy').first().click();
  await ends(2, 'Succeeded');
  await shows('Release 2 serves');
  expect(await answer('hello')).toContain('Bonjour from your own server');

  await button('Roll back to #1').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back to #1' }).click();
  await ends(3, 'Succeeded');
  await shows('Release 1 serves');
  expect(await answer('hello')).toContain('Hello from your own server');
});

test('the activity tells all of it, under who did it', async () => {
  await go('/activity');
  await shows(/asked to go back to release #1/);
  const told = await page.locator('main').innerText();
  for (const text of [
    'revoked the token laptop',
    'test-client',
    'set the variables GREETING',
    'made the app on edge',
    person.email,
  ])
    expect(told).toContain(text);
});

test('a few letters open an app, without the mouse', async () => {
  await go('/');
  await heading('What changed');
  await page.keyboard.press('Control+k');
  await page.getByPlaceholder('A name, a place or an action').waitFor();
  await page.keyboard.type('shop');
  await page.getByRole('option', { name: /^shop/ }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/apps/shop');
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('shop');
});

/** The main pages, each with a text that stands there once it has read what it shows. */
const main = [
  ['/', 'shop'],
  ['/apps/shop', 'shop.localhost'],
  ['/apps/shop/deployments/2', 'Break it'],
  ['/apps', 'hello'],
  ['/apps/shop/logs', 'DATABASE_URL is not set'],
  ['/servers/edge', 'hello'],
  ['/activity', 'laptop'],
] as const;

async function visit(path: string, text: string): Promise<void> {
  await go(path);
  await page.locator('h1').waitFor();
  await page.getByText(text).first().waitFor({ state: 'attached' });
}

// A theme changes colours only, so the dark one is held against the rule for them.
test.each([
  ['light', undefined],
  ['dark', ['color-contrast']],
] as const)('nothing bars the way in the %s theme', async (theme, rules) => {
  await page.emulateMedia({ colorScheme: theme });
  for (const [path, text] of [...main.slice(0, 3), ['/login', 'ServerFlow']] as const) {
    await visit(path, text);
    await page.locator(`html[data-theme=${theme}]`).waitFor();
    expect(await barriers(page, rules && [...rules]), path).toEqual([]);
  }
});

test('a phone needs no horizontal scrolling', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const [path, text] of main) {
    await visit(path, text);
    expect(await overflow(page), path).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
});

test('in French, no English is left', async () => {
  await visit('/settings/appearance', 'Français');
  expect(await leftovers(page)).toContain('Language');
  await page.getByText('Français').click();
  await page.locator('html[lang=fr]').waitFor();
  const more = [
    ['/servers', 'edge'],
    ['/apps/new', 'edge'],
    ['/apps/hello/config', 'GREETING'],
    ['/clients', 'laptop'],
    ['/clients/connect', 'ServerFlow'],
    ['/settings/tokens', 'laptop'],
  ] as const;
  for (const [path, text] of [...main, ...more]) {
    await visit(path, text);
    expect(await leftovers(page), path).toEqual([]);
  }
});

test('no page complained', () => {
  expect(browser.complaints).toEqual([]);
});
