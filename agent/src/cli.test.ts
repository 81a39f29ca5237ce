import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommand } from './cli.ts';
import { type Environment, processEnvironment, type Settings } from './config.ts';
import type { Work } from './run.ts';
import { Controller } from './testing/controller.ts';
import { forget, testSettings } from './testing/enrolled.ts';

let controller: Controller;
let settings: Settings;
beforeEach(async () => {
  controller = await new Controller().start();
  settings = testSettings(controller.url);
});
afterEach(() => {
  controller.stop();
  forget(settings);
});

const idle: Work = {
  perform: async () => ({ outcome: 'done' }),
  recover: async () => ({ outcome: 'done' }),
  startReporters: () => undefined,
};

/** Runs a command line on the state folder; returns its exit code and what it said. */
async function command(
  line: string,
  given: { env?: Environment; input?: string; signal?: AbortSignal } = {},
) {
  const said: string[] = [];
  const input = new PassThrough();
  input.end(given.input ?? '');
  const code = await runCommand(
    [...line.split(' ').filter(Boolean), '--state', settings.state],
    idle,
    {
      env: { PATH: processEnvironment()['PATH'], ...given.env },
      input,
      out: (text) => said.push(text),
      err: (text) => said.push(text),
      signal: given.signal ?? AbortSignal.abort(),
    },
  );
  return { code, said: said.join('\n') };
}

const ENROLL = () => `enroll --control-plane ${controller.url.origin}`;

test('help tells every command, and no command is a mistake', async () => {
  const { code, said } = await command('--help');
  expect(code).toBe(0);
  for (const name of ['enroll', 'run', 'status', 'policy show'])
    expect(said).toContain(`serverflow-agent ${name}`);
  expect((await command('')).code).toBe(2);
  expect(await command('enrol')).toMatchObject({
    code: 2,
    said: expect.stringContaining('--help'),
  });
});

test('a token on the command line is refused, and not repeated', async () => {
  for (const line of [`${ENROLL()} --token sf1.secret`, `${ENROLL()} --token=sf1.secret`]) {
    const { code, said } = await command(line);
    expect(code).toBe(2);
    expect(said).toContain('--token-file');
    expect(said).not.toContain('secret');
  }
});

test.each([
  ['standard input', (token: string) => ({ input: `${token}\n` })],
  ['the environment', (token: string) => ({ env: { SERVERFLOW_ENROLL_TOKEN: token } })],
])('the token comes from %s, and the four words are shown', async (_, give) => {
  const { code, said } = await command(ENROLL(), give(controller.token('srv_1')));
  expect(code).toBe(0);
  expect(said).toMatch(/enrolled as test-server/);
  expect(said).toMatch(/named: [a-z]+ [a-z]+ [a-z]+ [a-z]+/);
  const words = /named: (.*)/.exec(said)?.[1] ?? '';
  expect((await command('status')).said).toContain(words);
});

test('the token comes from a file, and is written nowhere', async () => {
  const token = controller.token('srv_1');
  const file = join(settings.state, 'token');
  writeFileSync(file, token);
  const { code, said } = await command(`${ENROLL()} --token-file ${file}`);
  expect(code).toBe(0);
  expect(said).not.toContain(token.slice(-20));
  for (const name of ['agent.json', 'key-set']) {
    expect(readFileSync(join(settings.state, 'identity', name)).includes(token.slice(-20))).toBe(
      false,
    );
  }
});

test('a file or an address that is wrong is said with what to do', async () => {
  const missing = await command(`${ENROLL()} --token-file /nowhere/token`);
  expect(missing).toMatchObject({ code: 1, said: expect.stringContaining('/nowhere/token') });
  const none = await command('enroll');
  expect(none).toMatchObject({ code: 1, said: expect.stringContaining('--control-plane') });
});

test('status works without a connection, before and after the enrolment, as text and as JSON', async () => {
  expect(await command('status')).toMatchObject({
    code: 1,
    said: expect.stringContaining('enroll'),
  });
  await command(ENROLL(), { input: controller.token('srv_1') });
  controller.stop();
  expect(await command('status')).toMatchObject({
    code: 0,
    said: expect.stringContaining('not running'),
  });
  const { said } = await command('status --json');
  expect(JSON.parse(said)).toMatchObject({
    enrolled: true,
    server: 'test-server',
    agentId: 'srv_1',
    controlPlane: controller.url.origin,
    policy: { readOnly: false },
  });
});

test('policy show says what the machine allows, and fails where nobody can read it', async () => {
  expect(await command('policy show')).toMatchObject({
    code: 0,
    said: expect.stringContaining('every public one'),
  });
  writeFileSync(join(settings.state, 'policy.toml'), 'read_only = true');
  expect((await command('policy show')).said).toContain('read-only');
  writeFileSync(join(settings.state, 'policy.toml'), 'nonsense');
  expect((await command('policy show')).code).toBe(1);
});

test('run needs an enrolment, and an empty folder stays empty', async () => {
  const { code, said } = await command(`run --control-plane ${controller.url.origin}`);
  expect(code).toBe(1);
  expect(said).toContain('serverflow-agent enroll');
  expect(existsSync(join(settings.state, 'lock'))).toBe(false);
});

test('run finds the control plane by itself, ends on the signal, and gives the folder back', async () => {
  await command(ENROLL(), { input: controller.token('srv_1') });
  const stop = new AbortController();
  const running = command('run', { signal: stop.signal });
  await controller.session();
  expect((await command('run')).said).toContain('stop it first');
  stop.abort();
  expect((await running).code).toBe(0);
  expect(existsSync(join(settings.state, 'lock'))).toBe(false);
});
