import { createServer } from 'node:http';
import { existsSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fourWords, generateSigningKey, rootPin } from '@serverflow/agent/envelope';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { enroll } from './enroll.ts';
import { readIdentity } from './identity.ts';
import { Controller } from './testing/controller.ts';
import { forget, testSettings } from './testing/enrolled.ts';
import type { Settings } from './config.ts';

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

/** The code with which an enrolment is refused. */
async function codeOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => {
      throw new Error('It was not refused.');
    },
    (reason: unknown) => reason,
  );
  const { code, reason, message } = error as { code?: string; reason?: string; message: string };
  expect(message).toMatch(/[;.:].{8,}/);
  return code ?? reason ?? '';
}

test('keys are made here, kept private, and named by four words that both sides can compare', async () => {
  const { serverName, words } = await enroll(settings, controller.token('srv_1'));
  const identity = readIdentity(settings.state);
  expect(serverName).toBe('test-server');
  expect(words).toBe(fourWords(controller.agents.get('srv_1') ?? new Uint8Array()));
  expect(identity.signingKey.publicKey).toEqual(
    new Uint8Array(controller.agents.get('srv_1') ?? []),
  );
  const folder = join(settings.state, 'identity');
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of ['signing.key', 'sealing.key', 'agent.json', 'key-set']) {
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  }
});

test('a wrong pin stops the agent before it shows any key', async () => {
  const token = controller.token('srv_1', rootPin([generateSigningKey().publicKey]));
  expect(await codeOf(enroll(settings, token))).toBe('WRONG_PIN');
  expect(controller.enrolmentProofs).toEqual([]);
  expect(existsSync(join(settings.state, 'identity'))).toBe(false);
});

test('a relay under another host is refused before the agent shows any key', async () => {
  controller.behaviour.host = 'serverflow.example.com';
  expect(await codeOf(enroll(settings, controller.token('srv_1')))).toBe('CHALLENGE_REFUSED');
  expect(controller.enrolmentProofs).toEqual([]);
});

test('a key set that has ended is refused before the agent shows any key', async () => {
  controller.behaviour.keyLifeMs = -1;
  expect(await codeOf(enroll(settings, controller.token('srv_1')))).toBe('KEY_SET_EXPIRED');
  expect(controller.enrolmentProofs).toEqual([]);
});

test('a used token enrols no second agent', async () => {
  const token = controller.token('srv_1');
  await enroll(settings, token);
  const second = testSettings(controller.url);
  expect(await codeOf(enroll(second, token))).toBe('NOT_LET_IN');
  expect(existsSync(join(second.state, 'identity'))).toBe(false);
  forget(second);
});

test('of two agents that race with one token, one is enrolled', async () => {
  const token = controller.token('srv_1');
  const second = testSettings(controller.url);
  const ends = await Promise.allSettled([enroll(settings, token), enroll(second, token)]);
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  forget(second);
});

test('an enrolled agent is not enrolled over', async () => {
  await enroll(settings, controller.token('srv_1'));
  expect(await codeOf(enroll(settings, controller.token('srv_2')))).toBe('ALREADY_ENROLLED');
});

test('a token that is none is refused before anything is asked', async () => {
  controller.stop();
  expect(await codeOf(enroll(settings, 'sfp_abc'))).toBe('NOT_A_TOKEN');
  expect(await codeOf(enroll(settings, controller.token('srv_1').slice(0, -5)))).toBe(
    'INCOMPLETE_TOKEN',
  );
});

test('nothing that listens, a name that is none, and a web server are told apart', async () => {
  const token = controller.token('srv_1');
  const at = (controlPlane: string): Settings => ({
    ...settings,
    controlPlane: new URL(controlPlane),
  });
  const web = createServer((_, response) => response.end('<html>'));
  await new Promise<void>((done) => web.listen(0, '127.0.0.1', done));
  const { port } = web.address() as AddressInfo;
  expect(await codeOf(enroll(at(`http://127.0.0.1:${port}`), token))).toMatch(
    /NOT_A_SERVERFLOW|UNREACHABLE/,
  );
  await new Promise((done) => web.close(done));
  expect(await codeOf(enroll(at(`http://127.0.0.1:${port}`), token))).toBe('REFUSED');
  expect(await codeOf(enroll(at('http://nowhere.invalid'), token))).toBe('CANNOT_RESOLVE');
});

test('a clock that is far off is said, and stops nothing', async () => {
  controller.behaviour.clockOffsetMs = 7_200_000;
  const { warnings } = await enroll(settings, controller.token('srv_1'));
  expect(warnings.join()).toMatch(/clock is 7\d\d\d s off/);
});
