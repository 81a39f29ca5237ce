import { expect, test } from 'vitest';
import { localPath } from './local-path.ts';
import { setupToken } from './setup-token.ts';

test.each([
  ['/apps/shop?tab=1#x', '/apps/shop?tab=1#x'],
  ['//evil.example/', '/'],
  ['/\\evil.example/', '/'],
  ['https://evil.example/', '/'],
  ['javascript:alert(1)', '/'],
  [null, '/'],
])('after signing in, %s leads to %s', (wanted, path) => {
  expect(localPath(wanted)).toBe(path);
});

test.each([
  ['http://h/setup?token=abc', 'abc'],
  ['http://h/setup#token=abc', 'abc'],
  ['http://h/setup#a%2Bbc', 'a+bc'],
  ['http://h/setup', ''],
])('the set-up token of %s is %s', (address, token) => {
  expect(setupToken(new URL(address))).toBe(token);
});
