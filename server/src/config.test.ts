import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

test('the defaults are loopback, SQLite in ./data and its own address', () => {
  expect(readConfig({})).toMatchObject({
    host: '127.0.0.1',
    port: 7300,
    publicUrl: 'http://localhost:7300',
    databaseFile: resolve('data/serverflow.db'),
    sse: true,
    admin: undefined,
  });
});

test.each([
  ['SERVERFLOW_LISTN', 'x', 'SERVERFLOW_LISTEN'],
  ['SERVERFLOW_ADMIN_PASWORD_FILE', 'x', 'SERVERFLOW_ADMIN_PASSWORD_FILE'],
  ['SERVERFLOW_PUBLICURL', 'x', 'SERVERFLOW_PUBLIC_URL'],
])('the unknown %s is an error that names the nearest', (name, value, nearest) => {
  expect(() => readConfig({ [name]: value })).toThrow(`Did you mean ${nearest}?`);
});

test("the agent's and the tests' names are known, and other programs' variables are none of ours", () => {
  expect(() =>
    readConfig({
      SERVERFLOW_FRONT_LISTEN: 'x',
      SERVERFLOW_ENROLL_TOKEN: 'x',
      SERVERFLOW_SPECS: 'x',
      SERVERFLOW_TEST_LONG: '1',
      HOME: '/',
    }),
  ).not.toThrow();
});

test.each([
  [{ SERVERFLOW_LISTEN: '7300' }, 'is not an address'],
  [{ SERVERFLOW_LISTEN: '127.0.0.1:99999' }, 'is not an address'],
  [{ SERVERFLOW_LISTEN: '0.0.0.0:7300' }, 'in clear'],
  [
    { SERVERFLOW_LISTEN: '0.0.0.0:7300', SERVERFLOW_PUBLIC_URL: 'http://flow.example.com' },
    'in clear',
  ],
  [{ SERVERFLOW_PUBLIC_URL: 'flow.example.com' }, 'is not an address'],
  [{ SERVERFLOW_PUBLIC_URL: 'https://flow.example.com/path' }, 'is not an address'],
  [{ DATABASE_URL: 'mysql://x' }, 'SQLite file'],
  [{ SERVERFLOW_ADMIN_EMAIL: 'a@example.com' }, 'go together'],
  [
    { SERVERFLOW_ADMIN_EMAIL: 'a@example.com', SERVERFLOW_ADMIN_PASSWORD: 'short' },
    '12 to 200 characters',
  ],
  [{ SERVERFLOW_ADMIN_PASSWORD_FILE: '/nowhere/password' }, 'cannot be read'],
  [{ SERVERFLOW_SSE: 'maybe' }, 'must be one of on, off'],
  [{ SERVERFLOW_HEARTBEAT_MS: '-1' }, 'milliseconds above 0'],
])('%j is refused and says what to do', (env, message) => {
  expect(() => readConfig(env)).toThrow(message);
  expect(() => readConfig(env)).toThrow(ConfigError);
});

test('a secret may come from a file, and an address beyond loopback needs https outside', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'serverflow-config-')), 'password');
  writeFileSync(file, 'correct horse battery\n');
  const config = readConfig({
    SERVERFLOW_ADMIN_EMAIL: 'Admin@Example.com',
    SERVERFLOW_ADMIN_PASSWORD_FILE: file,
    SERVERFLOW_LISTEN: '0.0.0.0:7300',
    SERVERFLOW_PUBLIC_URL: 'https://flow.example.com/',
  });
  expect(config.admin).toEqual({ email: 'admin@example.com', password: 'correct horse battery' });
  expect(config.publicUrl).toBe('https://flow.example.com');
});
