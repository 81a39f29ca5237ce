import { create } from '@bufbuild/protobuf';
import { LogLineSchema } from '@serverflow/gen/es/serverflow/log/v1/log_pb';
import { expect, test } from 'vitest';
import { appended, indexOf, prepended, rowNumber } from './buffer.ts';

const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) =>
    create(LogLineSchema, { number: from + index, text: `line ${from + index}` }),
  );
const numbers = (rows: Parameters<typeof indexOf>[0]) => rows.map(rowNumber);

test('lines that come twice after a reconnect are taken once', () => {
  const rows = appended(appended([], lines(1, 3)), lines(2, 5));
  expect(numbers(rows)).toEqual([1, 2, 3, 4, 5]);
});

test('lost lines leave a marker where they were', () => {
  const rows = appended(appended([], lines(1, 2)), lines(40, 40), 37);
  expect(rows[2]).toEqual({ gap: 37, before: 40 });
  expect(rows).toHaveLength(4);
});

test('the oldest rows leave when there are too many', () => {
  const rows = appended(appended([], lines(1, 10), 0, 10), lines(11, 12), 0, 10);
  expect(numbers(rows)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12].slice(-rows.length));
  expect(rows.length).toBeLessThanOrEqual(10);
  expect(numbers(rows).at(-1)).toBe(12);
});

test('older lines go before what is there, without doubles', () => {
  expect(numbers(prepended(appended([], lines(5, 6)), lines(3, 5)))).toEqual([3, 4, 5, 6]);
});

test('a line is found by its number', () => {
  const rows = appended([], lines(10, 2_000));
  expect(indexOf(rows, 10)).toBe(0);
  expect(indexOf(rows, 1_500)).toBe(1_490);
  expect(indexOf(rows, 1)).toBe(0);
  expect(indexOf(rows, 3_000)).toBe(-1);
});
