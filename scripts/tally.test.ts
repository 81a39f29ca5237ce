import { expect, test } from 'vitest';
import { refuseSkips, tally } from './tally.ts';

const file = (status: string, ...cases: [fullName: string, status: string][]) => ({
  name: 'x.test.ts',
  status,
  assertionResults: cases.map(([fullName, each]) => ({ fullName, status: each })),
});

test('every case counts once, over all files', () => {
  const report = {
    testResults: [
      file('passed', ['a', 'passed'], ['b', 'skipped']),
      file('failed', ['c', 'failed'], ['d', 'passed'], ['e', 'pending']),
    ],
  };
  expect(tally(report)).toEqual({ passed: 2, failed: 1, skipped: ['b', 'e'] });
});

test('a file that cannot be loaded is a failure', () => {
  expect(tally({ testResults: [file('failed')] })).toEqual({ passed: 0, failed: 1, skipped: [] });
});

test('a run without a report is a failure', () => {
  expect(tally(undefined)).toEqual({ passed: 0, failed: 1, skipped: [] });
});

test('where skips are refused, only those for want of SERVERFLOW_SPECS remain', () => {
  const skipped = ['invoices match the specification (SERVERFLOW_SPECS)', 'a page in Chromium'];
  expect(refuseSkips({ passed: 3, failed: 0, skipped })).toEqual({
    passed: 3,
    failed: 1,
    skipped: [skipped[0]],
  });
});
