import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AccountService } from '@serverflow/gen/es/serverflow/account/v1/account_service_pb';
import { SessionService } from '@serverflow/gen/es/serverflow/account/v1/session_service_pb';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { Event } from '../audit/entity.ts';
import { clientOf, startTestPlane, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';
import { Session, User } from './entity.ts';
import { checkPassword, hashPassword } from './password.ts';

let plane: TestPlane;
beforeAll(async () => {
  plane = await startTestPlane();
});
afterAll(() => plane.close());

const person = { email: 'Owner@Example.com', password: 'correct horse battery' };

test('the set-up address works once, with its token only, and signs the first person in', async () => {
  const anyone = clientOf(plane.url, AccountService, {});
  expect((await anyone.getSetup({})).required).toBe(true);
  expect(await reasonOf(anyone.completeSetup({ setupToken: 'wrong', ...person }))).toBe(
    Reason.BAD_SETUP_TOKEN,
  );
  const token = plane.parts.setup.token;
  expect(
    await reasonOf(anyone.completeSetup({ setupToken: token, ...person, password: 'short' })),
  ).toBe(Reason.INVALID_ARGUMENT);
  const headers = new Headers();
  const done = await anyone.completeSetup(
    { setupToken: token, ...person },
    { onHeader: (given) => given.forEach((value, name) => headers.append(name, value)) },
  );
  expect(done.user?.email).toBe('owner@example.com');
  expect(headers.get('set-cookie')).toMatch(
    /^__Host-serverflow=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax$/,
  );
  expect(await reasonOf(anyone.completeSetup({ setupToken: token, ...person }))).toBe(
    Reason.SET_UP_ALREADY,
  );
  expect((await anyone.getSetup({})).required).toBe(false);
});

test('a person signs in, is recognised by the cookie, and is not after signing out', async () => {
  const cookie = await signIn(person.email);
  const account = clientOf(plane.url, AccountService, { cookie });
  expect((await account.getAccount({})).user?.email).toBe('owner@example.com');
  await clientOf(plane.url, SessionService, { cookie }).deleteSession({});
  expect(await reasonOf(account.getAccount({}))).toBe(Reason.NOT_SIGNED_IN);
});

test('a wrong password and an unknown account are the same refusal, and it is kept without the password', async () => {
  const sessions = clientOf(plane.url, SessionService, {});
  expect(
    await reasonOf(sessions.createSession({ email: person.email, password: 'not the password' })),
  ).toBe(Reason.WRONG_PASSWORD);
  expect(
    await reasonOf(
      sessions.createSession({ email: 'nobody@example.com', password: 'not the password' }),
    ),
  ).toBe(Reason.WRONG_PASSWORD);
  const rows = await plane.store.all().find(Event, { method: { $like: '%CreateSession' } });
  expect(rows.length).toBeGreaterThanOrEqual(2);
  expect(rows.map((row) => Buffer.from(row.bytes).toString('latin1')).join()).not.toContain(
    'not the password',
  );
});

test('after ten attempts on one account the next must wait, and says how long', async () => {
  const sessions = clientOf(plane.url, SessionService, {});
  const reasons: unknown[] = [];
  for (let i = 0; i < 12; i++)
    reasons.push(
      await reasonOf(sessions.createSession({ email: 'guessed@example.com', password: 'x' })),
    );
  expect(reasons.slice(0, 10).every((reason) => reason === Reason.WRONG_PASSWORD)).toBe(true);
  expect(reasons.at(-1)).toBe(Reason.TOO_MANY_ATTEMPTS);
});

test('a page of another origin cannot use the cookie', async () => {
  const { client } = await plane.person();
  expect((await client(AccountService).getAccount({})).user).toBeDefined();
  const cookie = await signIn(person.email);
  const foreign = clientOf(plane.url, AccountService, {
    cookie,
    origin: 'https://evil.example.com',
  });
  expect(await reasonOf(foreign.getAccount({}))).toBe(Reason.BAD_ORIGIN);
  const crossSite = clientOf(plane.url, AccountService, { cookie, 'sec-fetch-site': 'cross-site' });
  expect(await reasonOf(crossSite.getAccount({}))).toBe(Reason.BAD_ORIGIN);
});

test('neither the password nor the cookie is in the database', async () => {
  const cookie = await signIn(person.email);
  const secret = cookie.split('=')[1]!;
  const all = JSON.stringify([
    await plane.store.all().find(User, {}),
    await plane.store.all().find(Session, {}),
  ]);
  expect(all).not.toContain(person.password);
  expect(all).not.toContain(secret);
});

test('a password is checked against its own parameters, and an absent one is never right', async () => {
  const phc = await hashPassword('pässword long enough');
  expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(await checkPassword('pässword long enough', phc)).toBe(true);
  expect(await checkPassword('password long enough', phc)).toBe(false);
  expect(await checkPassword('', undefined)).toBe(false);
});

test('an unattended first start makes the person and writes both tokens into files of mode 0600, once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'serverflow-unattended-'));
  writeFileSync(join(folder, 'password'), 'correct horse battery\n');
  const env = {
    SERVERFLOW_ADMIN_EMAIL: 'admin@example.com',
    SERVERFLOW_ADMIN_PASSWORD_FILE: join(folder, 'password'),
    SERVERFLOW_WRITE_OWNER_TOKEN: join(folder, 'owner'),
    SERVERFLOW_WRITE_MCP_TOKEN: join(folder, 'mcp'),
    SERVERFLOW_DATA: join(folder, 'data'),
  };
  const first = await startTestPlane(env);
  const token = readFileSync(join(folder, 'owner'), 'utf8').trim();
  expect(statSync(join(folder, 'owner')).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'mcp')).mode & 0o777).toBe(0o600);
  const script = clientOf(first.url, AccountService, { authorization: `Bearer ${token}` });
  expect((await script.getAccount({})).user?.email).toBe('admin@example.com');
  const mcp = readFileSync(join(folder, 'mcp'), 'utf8').trim();
  expect(
    await reasonOf(
      clientOf(first.url, AccountService, { authorization: `Bearer ${mcp}` }).getAccount({}),
    ),
  ).toBe(Reason.WRONG_DOOR);
  expect(first.setupPath).toBeUndefined();
  await first.close();
  const second = await startTestPlane(env);
  expect(readFileSync(join(folder, 'owner'), 'utf8').trim()).toBe(token);
  await second.close();
});

async function signIn(email: string): Promise<string> {
  let cookie = '';
  await clientOf(plane.url, SessionService, {}).createSession(
    { email, password: person.password },
    { onHeader: (headers) => (cookie = (headers.get('set-cookie') ?? '').split(';')[0]!) },
  );
  return cookie;
}
