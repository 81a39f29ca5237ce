import { expect, test } from 'vitest';
import { freeName, nameFromRepository } from './names.ts';

test.each([
  ['https://github.com/acme/My_Shop.git', 'my-shop'],
  ['git@example.org:team/api', 'api'],
  ['ssh://git@example.org/2048-game/', 'game'],
  ['example:hello', 'hello'],
  ['https://example.org/---.git', ''],
])('an app of %s is called %s', (repository, name) => {
  expect(nameFromRepository(repository)).toBe(name);
});

test('a taken name gets the first free number', () => {
  expect(freeName('hello', [])).toBe('hello');
  expect(freeName('hello', ['hello', 'hello-2'])).toBe('hello-3');
});
