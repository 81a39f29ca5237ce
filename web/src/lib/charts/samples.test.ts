import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { SampleSchema } from '@serverflow/gen/es/serverflow/metric/v1/metric_pb';
import { expect, test } from 'vitest';
import { appended, columns } from './samples.ts';

const at = (seconds: number, cpuPercent = seconds) =>
  create(SampleSchema, { time: timestampFromMs(seconds * 1000), cpuPercent });

test('a silence becomes a gap, not a line across it', () => {
  const [times, cpu] = columns([at(0), at(30), at(300), at(330)], [(sample) => sample.cpuPercent]);
  expect(times).toEqual([0, 30, 31, 300, 330]);
  expect(cpu).toEqual([0, 30, null, 300, 330]);
});

test('one missed sample is no gap', () => {
  const [times] = columns([at(0), at(60)], []);
  expect(times).toEqual([0, 60]);
});

test('samples that come twice are kept once, and old ones leave', () => {
  const first = appended([], [at(0), at(30), at(60)], 60_000);
  const then = appended(first, [at(60), at(90)], 60_000);
  expect(then.map((sample) => sample.cpuPercent)).toEqual([30, 60, 90]);
});
