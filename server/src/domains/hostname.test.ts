import { expect, test } from 'vitest';
import { ProblemError, Reason } from '../guard/problems.ts';
import { readHostname } from './hostname.ts';

test.each([
  ['shop.example.com', 'shop.example.com'],
  ['Shop.Example.COM.', 'shop.example.com'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
])('%s is read as %s', (given, name) => {
  expect(readHostname(given, [])).toBe(name);
});

test.each([
  'localhost',
  'a_b.example.com',
  '*.example.com',
  '10.0.0.1',
  '1.2.3',
  '::1',
  '-a.example.com',
  'a-.example.com',
  'a..b',
  '.a.b',
  'a b.com',
  'a.com; return 200',
  'a.com\nserver {',
  'a.com/x',
  'a.com:80',
  'ü.example.com',
  `${'a'.repeat(64)}.com`,
  `${'a.'.repeat(130)}com`,
  'shop.localhost',
  '$host.com',
  'a.com{}',
  '',
  'a.1',
])('%j is refused', (given) => {
  let thrown: unknown;
  try {
    readHostname(given, []);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ProblemError);
  expect((thrown as ProblemError).reason).toBe(Reason.BAD_DOMAIN);
});

test("a name outside the server's own endings is refused, and one inside is not", () => {
  expect(readHostname('a.example.com', ['example.com'])).toBe('a.example.com');
  expect(() => readHostname('a.badexample.com', ['example.com'])).toThrow(ProblemError);
});
