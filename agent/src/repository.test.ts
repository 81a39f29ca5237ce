import { describe, expect, test } from 'vitest';
import { hostnameFault, pathFault, refFault } from './grammar.ts';
import { OPEN_POLICY } from './policy.ts';
import { checkRepository, isPrivate, parseRepository } from './repository.ts';

const CONTROL_PLANE = new URL('http://localhost:7300');

test.each([
  ['https://github.com/acme/shop.git', { kind: 'git', scheme: 'https', host: 'github.com' }],
  ['https://git.example.com:8443/shop', { kind: 'git', scheme: 'https', host: 'git.example.com' }],
  [
    'ssh://git@git.example.com:22/shop.git',
    { kind: 'git', scheme: 'ssh', host: 'git.example.com' },
  ],
  ['git@github.com:acme/shop.git', { kind: 'git', scheme: 'ssh', host: 'github.com' }],
  ['http://127.0.0.1:8080/shop.git', { kind: 'git', scheme: 'http', host: '127.0.0.1' }],
  ['https://[2001:db8::1]/shop.git', { kind: 'git', scheme: 'https', host: '[2001:db8::1]' }],
  ['example:hello', { kind: 'example', name: 'hello' }],
])('%s is an address', (address, expected) => {
  expect(parseRepository(address)).toEqual(expected);
});

test('a name that resolves into a private network is refused like its address', async () => {
  await expect(
    checkRepository('https://localhost/x.git', OPEN_POLICY, CONTROL_PLANE),
  ).rejects.toThrow(/localhost is in a private network/);
});

test('a listed host is taken, and with a list every other one is not', async () => {
  const policy = { ...OPEN_POLICY, repositoryHosts: ['localhost', '[::1]'] };
  await checkRepository('https://localhost/x.git', policy, CONTROL_PLANE);
  await checkRepository('http://[::1]:80/x.git', policy, CONTROL_PLANE);
  await checkRepository('example:hello', policy, CONTROL_PLANE);
  await expect(checkRepository('https://github.com/x.git', policy, CONTROL_PLANE)).rejects.toThrow(
    /does not list/,
  );
});

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::127.0.0.1',
  'fe80::1',
  'fc00::1',
  'fec0::1',
  'fd12::1',
  'ff02::1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  'not an address',
])('%s is private', (address) => {
  expect(isPrivate(address)).toBe(true);
});

test.each([
  '1.1.1.1',
  '140.82.112.3',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700::1111',
  '2a00:1450::1',
])('%s is public', (address) => {
  expect(isPrivate(address)).toBe(false);
});

describe('names', () => {
  test.each(['', 'main', 'feature/new-door', 'v1.2.3', 'a'.repeat(40), 'release-2026.01'])(
    '%j is a ref',
    (ref) => {
      expect(refFault(ref)).toBeUndefined();
    },
  );
  test.each([
    '-x',
    'a b',
    'a..b',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.lock',
    'a.',
    '@',
    'a@{0}',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[b',
    'a\\b',
    'a\nb',
    'a'.repeat(201),
  ])('%j is no ref', (ref) => {
    expect(refFault(ref)).toBeDefined();
  });
  test.each(['', 'apps/web', 'a.b/c_d', 'packages/@scope/x'])('%j is a folder', (path) => {
    expect(pathFault(path)).toBeUndefined();
  });
  test.each([
    '/a',
    '../a',
    'a/..',
    'a//b',
    './a',
    'a/',
    '-a',
    'a/-b',
    '.git',
    'a/.GIT/x',
    'a\\..\\b',
    'a\u0000b',
    'x'.repeat(201),
  ])('%j is no folder', (path) => {
    expect(pathFault(path)).toBeDefined();
  });
  test.each(['shop.example.com', 'example.co', 'a-b.example.com', 'xn--bcher-kva.example'])(
    '%j is a host name',
    (name) => {
      expect(hostnameFault(name)).toBeUndefined();
    },
  );
});
