import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSettings } from './config.ts';
import { lockHolder, takeLock } from './lock.ts';
import { OPEN_POLICY, parsePolicy, readPolicy } from './policy.ts';

let state: string;
beforeEach(() => (state = mkdtempSync(join(tmpdir(), 'config-'))));
afterEach(() => rmSync(state, { recursive: true, force: true }));

const CONTROL_PLANE = 'https://serverflow.example.com';
const read = (toml: string, env: Record<string, string> = {}) => {
  writeFileSync(join(state, 'agent.toml'), toml);
  return readSettings({ state, controlPlane: CONTROL_PLANE }, env);
};

describe('agent.toml', () => {
  test('sets what it names, and leaves the rest as it was', () => {
    const settings = read('front = "embedded"\nheartbeat_ms = 20000\ngit = "/opt/git"');
    expect(settings.front).toEqual({ kind: 'embedded', listen: { host: '127.0.0.1', port: 7380 } });
    expect(settings).toMatchObject({
      heartbeatMs: 20_000,
      deadAfterMs: 45_000,
      metricsIntervalMs: 30_000,
    });
    expect(settings.programs.git).toBe('/opt/git');
  });

  test.each([
    ['heartbeat = 5', /unknown key heartbeat; did you mean heartbeat_ms/],
    ['front = "apache"', /must be auto, nginx or embedded/],
    ['front_listen = "7380"', /no address to listen on/],
    ['front_listen = "127.0.0.1:70000"', /no address to listen on/],
    ['heartbeat_ms = 1', /from 20 to/],
    ['heartbeat_ms = "15000"', /whole number/],
    ['dead_after_ms = 15000', /above heartbeat_ms/],
    ['git = 5', /must be a text/],
    ['front = ', /cannot be read/],
  ])('refuses %j', (toml, message) => {
    expect(() => read(toml)).toThrow(message);
  });

  test('the environment goes before it', () => {
    const { front } = read('front_listen = "127.0.0.1:1"', {
      SERVERFLOW_FRONT_LISTEN: '0.0.0.0:8080',
    });
    expect(front.listen).toEqual({ host: '0.0.0.0', port: 8080 });
  });
});

test.each([
  'serverflow.example.com',
  'ftp://serverflow.example.com',
  'https://user:pw@serverflow.example.com',
  'https://serverflow.example.com/path',
  '',
])('%j is no control plane', (controlPlane) => {
  expect(() => readSettings({ state, controlPlane }, {})).toThrow(/no address of a control plane/);
});

test('without a control plane it says where to get the address, and never shows a password', () => {
  expect(() => readSettings({ state }, {})).toThrow(/--control-plane/);
  expect(() => readSettings({ state, controlPlane: 'https://u:hunter2@x' }, {})).not.toThrow(
    /hunter2/,
  );
});

describe('policy.toml', () => {
  test('absent means open', () => {
    expect(readPolicy(join(state, 'policy.toml'))).toEqual(OPEN_POLICY);
  });

  test('is read in lower case', () => {
    const policy = parsePolicy(
      'read_only = true\nrepository_hosts = ["GitHub.com"]\nrefused_actions = ["deploy"]',
    );
    expect(policy).toEqual({
      readOnly: true,
      repositoryHosts: ['github.com'],
      domainSuffixes: [],
      refusedActions: ['deploy'],
    });
  });

  test.each([
    'read_only = "yes"',
    'repository_host = ["x"]',
    'repository_hosts = "x"',
    'repository_hosts = ["https://x/"]',
    'refused_actions = ["deplyo"]',
    'domain_suffixes = [5]',
    'read_only = ',
  ])('refuses everything when it says %j', (toml) => {
    const file = join(state, 'policy.toml');
    writeFileSync(file, toml);
    const policy = readPolicy(file);
    expect(policy.readOnly).toBe(true);
    expect(policy.broken).toContain(file);
  });

  test('refuses everything when it is a folder', () => {
    expect(readPolicy(state)).toMatchObject({ readOnly: true });
  });
});

describe('the lock', () => {
  test('lets one agent run on a state folder at a time', () => {
    const giveBack = takeLock(state);
    expect(lockHolder(state)?.pid).toBe(process.pid);
    expect(() => takeLock(state)).toThrow(/runs on/);
    giveBack();
    takeLock(state)();
    expect(lockHolder(state)).toBeUndefined();
  });

  test('is taken over from an agent that is gone, and from a number that another process has now', () => {
    for (const holder of [
      { pid: 2 ** 22 + 1, startedAt: '1' },
      { pid: process.pid, startedAt: '1' },
      'garbage',
    ]) {
      writeFileSync(join(state, 'lock'), JSON.stringify(holder));
      chmodSync(join(state, 'lock'), 0o600);
      takeLock(state)();
      expect(lockHolder(state)).toBeUndefined();
    }
  });
});
