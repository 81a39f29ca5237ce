import { expect, test } from 'vitest';
import { isFarOff, isReached, median, ratioOf, type Figure } from './figure.ts';
import { report } from './report.ts';

const figure = (ours: number, aim?: Figure['aim']): Figure => ({
  what: 'a thing',
  ours,
  against: 'the floor',
  floor: 100,
  unit: 'ms',
  ...(aim ? { aim } : {}),
});

test.each([
  [figure(110, { atMost: 1.15 }), true, false],
  [figure(160, { atMost: 1.15 }), false, false],
  [figure(180, { atMost: 1.15 }), false, true],
  [figure(5, { atLeast: 15 }), true, false],
  [figure(8, { atLeast: 15 }), false, false],
  [figure(20, { atLeast: 15 }), false, true],
  [figure(9_999), true, false],
])('an aim is reached, missed or far off: %o', (given, reached, farOff) => {
  expect([isReached(given), isFarOff(given)]).toEqual([reached, farOff]);
});

test('a ratio says how much dearer, or how much cheaper where that is the aim', () => {
  expect(ratioOf(figure(200))).toBe(2);
  expect(ratioOf(figure(5, { atLeast: 15 }))).toBe(20);
});

test('the median is the middle one, or between the two', () => {
  expect(median([30, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 30])).toBe(3);
  expect(() => median([])).toThrow('no median');
});

test('the report names both sides, the ratio and the aim', () => {
  const figures = [figure(110, { atMost: 1.15 }), figure(20, { atLeast: 15 })];
  const table = report([{ name: 'things', figures, notes: ['Because.'] }]);
  expect(table).toContain('110 ms');
  expect(table).toContain('1.10×');
  expect(table).toContain('≤ 1.15×, reached');
  expect(table).toContain('5.0× cheaper');
  expect(table).toContain('≥ 15×, missed');
  expect(table).toContain('- Because.');
});
