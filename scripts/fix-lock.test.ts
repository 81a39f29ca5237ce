import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Lock, fixLock } from './fix-lock.ts';

const lock = (optionalDependencies: Record<string, string>): Lock => ({
  packages: { 'node_modules/a': { version: '1.2.3', dev: true, optionalDependencies } },
});

test('a hole becomes an entry that is gated to its platform', () => {
  const holed = lock({ '@a/darwin-arm64': '^1.2.3', '@a/linux-x64-musl': '1.2.3' });
  holed.packages['node_modules/@a/linux-x64-musl'] = { version: '1.2.3' };
  expect(fixLock(holed)).toEqual(['@a/darwin-arm64']);
  expect(holed.packages['node_modules/@a/darwin-arm64']).toEqual({
    version: '1.2.3',
    cpu: ['arm64'],
    os: ['darwin'],
    dev: true,
    optional: true,
  });
  expect(fixLock(holed)).toEqual([]);
});

test('an entry in a parent folder is no hole', () => {
  const nested: Lock = {
    packages: {
      'node_modules/a/node_modules/b': { optionalDependencies: { 'c-win32-x64': '1.0.0' } },
      'node_modules/a/node_modules/c-win32-x64': { version: '1.0.0' },
    },
  };
  expect(fixLock(nested)).toEqual([]);
});

test('what tells no platform, or this one, is refused rather than guessed', () => {
  expect(() => fixLock(lock({ colours: '1.0.0' }))).toThrow(/tells no platform/);
  expect(() => fixLock(lock({ '@a/linux-x64-gnu': '1.0.0' }))).toThrow(/own binary/);
});

test('registry hosts are dropped, links to workspaces stay', () => {
  const hosts: Lock = {
    packages: {
      'node_modules/a': { resolved: 'https://registry.example/a.tgz' },
      'node_modules/b': { resolved: 'b' },
    },
  };
  fixLock(hosts);
  expect(Object.values(hosts.packages)).toEqual([{}, { resolved: 'b' }]);
});

test('the committed lock is complete', () => {
  const path = new URL('../package-lock.json', import.meta.url);
  expect(fixLock(JSON.parse(readFileSync(path, 'utf8')) as Lock)).toEqual([]);
});
