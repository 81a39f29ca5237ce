import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Report } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Spool } from './spool.ts';
import { log, step } from './testing/reports.ts';

const MAX = 1024 * 1024;
let folder: string;
beforeEach(() => (folder = join(mkdtempSync(join(tmpdir(), 'spool-')), 'spool')));
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

/** Everything after a number, as the wire would carry it. */
function drain(spool: Spool, after = 0): Report[] {
  spool.flush();
  const reader = spool.reader(after);
  const reports: Report[] = [];
  for (let batch = reader.read(); batch.length > 0; batch = reader.read()) {
    reports.push(...batch.map(({ bytes }) => Report.decode(bytes)));
  }
  reader.close();
  return reports;
}

test('numbers go on without a gap after a restart', async () => {
  const first = new Spool(folder, MAX);
  first.append(step('a'));
  first.append(log(1));
  await first.close();
  const second = new Spool(folder, MAX);
  second.append(step('b'));
  expect(drain(second).map((report) => Number(report.sequence))).toEqual([1, 2, 3]);
  expect(drain(second, 2).map((report) => report.body?.$case)).toEqual(['step']);
});

test('numbers go on after everything was acknowledged and the agent restarted', async () => {
  const first = new Spool(folder, MAX);
  for (let i = 0; i < 100; i++) first.append(log(i, 'y'.repeat(8000)));
  first.acknowledge(100);
  expect(first.sizeBytes).toBeLessThan(MAX / 4);
  await first.close();
  const second = new Spool(folder, MAX);
  second.append(step('next'));
  expect(drain(second, 100).map((report) => Number(report.sequence))).toEqual([101]);
});

test('a record that a crash cut off is left out and its number is used again', async () => {
  const first = new Spool(folder, MAX);
  first.append(step('kept'));
  first.append(step('cut off'));
  await first.close();
  const file = join(folder, readdirSync(folder)[0] ?? '');
  truncateSync(file, statSync(file).size - 3);
  const second = new Spool(folder, MAX);
  expect(second.next).toBe(2);
  second.append(step('new'));
  expect(
    drain(second).map((report) => report.body?.$case === 'step' && report.body.value.detail),
  ).toEqual(['kept', 'new']);
});

test('over its bound it empties logs and keeps steps, and numbers stay without gaps', () => {
  const spool = new Spool(folder, MAX);
  for (let i = 1; i <= 400; i++) {
    if (i % 20 === 0) spool.append(step(`step ${i}`));
    spool.append(log(i, 'z'.repeat(10_000)));
  }
  const reports = drain(spool);
  expect(reports.map((report) => Number(report.sequence))).toEqual(
    reports.map((_, index) => index + 1),
  );
  expect(reports.filter((report) => report.body?.$case === 'step')).toHaveLength(20);
  const logs = reports.flatMap((report) =>
    report.body?.$case === 'log' ? [report.body.value] : [],
  );
  expect(logs.length).toBeGreaterThan(20);
  expect(logs.length).toBeLessThan(200);
  expect(spool.sizeBytes).toBeLessThan(MAX * 1.3);
});

test('a reader follows while segments rotate, are acknowledged and emptied', () => {
  const spool = new Spool(folder, MAX);
  const reader = spool.reader(0);
  const seen: number[] = [];
  for (let i = 1; i <= 300; i++) {
    spool.append(i % 2 ? log(i, 'w'.repeat(9000)) : step(`${i}`));
    if (i % 7 === 0) {
      spool.flush();
      seen.push(...reader.read().map(({ sequence }) => sequence));
      spool.acknowledge(seen.at(-1) ?? 0);
    }
  }
  spool.flush();
  for (let batch = reader.read(); batch.length > 0; batch = reader.read()) {
    seen.push(...batch.map(({ sequence }) => sequence));
  }
  expect(seen).toEqual(Array.from({ length: spool.next - 1 }, (_, index) => index + 1));
});

test('after a loss of the spool, what waits is not taken for what the control plane keeps', () => {
  const spool = new Spool(folder, MAX);
  spool.append(step('a'));
  spool.append(step('b'));
  spool.resume(100);
  expect(drain(spool, 100).map((report) => Number(report.sequence))).toEqual([101, 102]);
  expect(spool.next).toBe(103);
});

test('after a loss of power that took reports already sent, new ones do not get their numbers', async () => {
  const first = new Spool(folder, MAX);
  for (const detail of ['a', 'b', 'c', 'd']) first.append(step(detail));
  first.resume(0);
  await first.close();
  // The disk has a and b; the control plane has all four.
  const file = join(folder, readdirSync(folder)[0] ?? '');
  truncateSync(file, statSync(file).size / 2);
  const second = new Spool(folder, MAX);
  for (const detail of ['e', 'f', 'g']) second.append(step(detail));
  expect(second.next).toBe(6);
  second.resume(4);
  expect(
    drain(second, 4).map(({ sequence, body }) => [
      Number(sequence),
      body?.$case === 'step' && body.value.detail,
    ]),
  ).toEqual([
    [5, 'e'],
    [6, 'f'],
    [7, 'g'],
  ]);
  second.resume(6);
  expect(drain(second, 6).map(({ sequence }) => Number(sequence))).toEqual([7]);
});

test('a report that no control plane would take is refused, and takes no number', () => {
  const spool = new Spool(folder, MAX);
  expect(() => spool.append(step('x'.repeat(1024 * 1024)))).toThrow(/too large/);
  expect(spool.next).toBe(1);
});

test('damage is put aside and seen', async () => {
  const first = new Spool(folder, MAX);
  first.append(step('a'));
  first.append(step('b'));
  await first.close();
  const file = join(folder, readdirSync(folder)[0] ?? '');
  const bytes = readFileSync(file);
  bytes[14] = (bytes[14] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const second = new Spool(folder, MAX);
  expect(second.foundDamage).toBe(true);
  expect(second.next).toBe(1);
});
