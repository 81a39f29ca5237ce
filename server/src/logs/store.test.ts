import { afterEach, beforeEach, expect, test } from 'vitest';
import { readOn, searchLog } from './read.ts';
import { openLogStore, type LogStore } from './store.ts';

let logs: LogStore;
beforeEach(() => (logs = openLogStore(':memory:')));
afterEach(() => logs.close());

const line = (text: string) => ({ timeMs: 1_700_000_000_000, stream: 1, text });
const lines = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => line(`line ${from + index}`));
const all = (key: string, after = 0) => [...logs.after(key, after)].flat();
const numbers = (key: string, after = 0) => all(key, after).map(({ number }) => number);

test('a chunk that comes again, or overlaps, has effect once', () => {
  logs.append('app:a', 1, lines(1, 10));
  logs.append('app:a', 1, lines(1, 10));
  logs.append('app:a', 6, lines(6, 10));
  logs.append('app:a', 3, lines(3, 2));
  expect(all('app:a').map(({ number, text }) => [number, text])).toEqual(
    Array.from({ length: 15 }, (_, index) => [index + 1, `line ${index + 1}`]),
  );
  expect(logs.last('app:a')).toBe(15);
});

test('logs do not mix, and a removed one is gone', () => {
  logs.append('app:a', 1, lines(1, 3));
  logs.append('deployment:a', 1, lines(1, 2));
  logs.remove(['app:a']);
  expect(numbers('app:a')).toEqual([]);
  expect(numbers('deployment:a')).toEqual([1, 2]);
});

test('reading begins within a chunk, from both sides', () => {
  for (const first of [1, 4, 7]) logs.append('app:a', first, lines(first, 3));
  for (let after = 0; after <= 9; after++) {
    const expected = Array.from({ length: 9 }, (_, index) => index + 1);
    expect(numbers('app:a', after)).toEqual(expected.filter((number) => number > after));
    expect(
      [...logs.before('app:a', after)]
        .flat()
        .map(({ number }) => number)
        .toSorted((a, b) => a - b),
    ).toEqual(expected.filter((number) => number < after));
  }
});

test('a loss is counted between two steps of a tail, and nothing is read twice', () => {
  logs.append('app:a', 1, lines(1, 4));
  logs.append('app:a', 11, lines(11, 2));
  const first = readOn(logs, 'app:a', 2);
  expect(first).toMatchObject({ gap: 0, more: true });
  expect(first.lines.map(({ number }) => number)).toEqual([3, 4]);
  const second = readOn(logs, 'app:a', 4);
  expect(second).toMatchObject({ gap: 6, more: false });
  expect(second.lines.map(({ number }) => number)).toEqual([11, 12]);
  expect(readOn(logs, 'app:a', 12)).toEqual({ lines: [], gap: 0, more: false });
});

test('a long log is read in bounded steps', () => {
  for (let first = 1; first <= 2000; first += 400) logs.append('app:a', first, lines(first, 400));
  let after = 0;
  const sizes = [];
  for (let more = true; more;) {
    const step = readOn(logs, 'app:a', after);
    sizes.push(step.lines.length);
    expect(step.gap).toBe(0);
    after = step.lines.at(-1)!.number;
    more = step.more;
  }
  expect(after).toBe(2000);
  expect(Math.max(...sizes)).toBe(500);
});

test('retention drops the oldest chunks only, and the loss is counted', () => {
  logs.close();
  logs = openLogStore(':memory:', 20_000);
  const noise = () => line(Array.from({ length: 100 }, () => Math.random().toString(36)).join(''));
  for (let first = 1; first <= 100; first++) logs.append('app:a', first, [noise()]);
  logs.append('app:b', 1, lines(1, 1));
  const kept = numbers('app:a');
  expect(kept.length).toBeGreaterThan(5);
  expect(kept.length).toBeLessThan(50);
  expect(kept.at(-1)).toBe(100);
  expect(readOn(logs, 'app:a', 0).gap).toBe(kept[0]! - 1);
  expect(numbers('app:b')).toEqual([1]);
});

test('searching pages back through what matches, in any case', () => {
  for (let first = 1; first <= 100; first += 10) logs.append('app:a', first, lines(first, 10));
  const pages = [];
  let before = logs.last('app:a') + 1;
  while (before) {
    const page = searchLog(logs, 'app:a', { contains: 'LINE 1', before, limit: 5 });
    pages.push(page.lines.map(({ number }) => number));
    before = page.before;
  }
  expect(pages.toReversed().flat()).toEqual([1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 100]);
  expect(pages[0]).toEqual([16, 17, 18, 19, 100]);
});

test('a private key is hidden over the end of a chunk, and the log goes on after it', () => {
  logs.append('app:a', 1, [line('before'), line('-----BEGIN RSA PRIVATE KEY-----'), line('MIIE')]);
  logs.append('app:a', 4, [line('AAAA'), line('-----END RSA PRIVATE KEY-----'), line('after')]);
  expect(all('app:a').map(({ text }) => text)).toEqual([
    'before',
    ...Array.from({ length: 4 }, () => '[redacted]'),
    'after',
  ]);
});
