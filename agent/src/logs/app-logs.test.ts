import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogStream, type LogChunk } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { Context, ReportBody } from '../context.ts';
import { Redactor } from '../redact.ts';
import { appLog } from './app-log.ts';
import { startAppLogs } from './app-logs.ts';

let state: string;
let folder: string;
let chunks: LogChunk[];
let redactor: Redactor;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'sf-logs-'));
  folder = join(state, 'logs/apps/app');
  mkdirSync(folder, { recursive: true });
  chunks = [];
  redactor = new Redactor();
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

function context(): Pick<Context, 'report' | 'redactor' | 'settings'> {
  const settings = { state, logBatchMs: 10, logBatchLines: 500 } as Context['settings'];
  const report = (body: ReportBody) => void (body.$case === 'log' && chunks.push(body.value));
  return { report, redactor, settings };
}

const out = (text: string, name = '1.0.out.log') => appendFileSync(join(folder, name), text);
const open = () => appLog(context(), 'app', folder);
const drain = (log: ReturnType<typeof open>) => {
  while (log.take()) continue;
};

/** What the control plane keeps: the first text that came for each number; a text that differs later is a failure. */
function kept(): [number, string][] {
  const lines = new Map<number, string>();
  for (const chunk of chunks) {
    chunk.lines.forEach(({ text }, at) => {
      const number = Number(chunk.firstNumber) + at;
      expect(lines.get(number) ?? text).toBe(text);
      lines.set(number, text);
    });
  }
  return [...lines].toSorted(([a], [b]) => a - b);
}
const texts = () => kept().map(([, text]) => text);

test('numbers the lines of an app from 1 across its releases and across restarts of the agent', () => {
  const log = open();
  out('one\ntwo\n');
  drain(log);
  out('three\r\n', '2.0.out.log');
  out('four\n', '2.0.err.log');
  drain(open());
  drain(open());
  expect(kept()).toEqual([
    [1, 'one'],
    [2, 'two'],
    [3, 'four'],
    [4, 'three'],
  ]);
  expect(chunks.at(-1)?.lines.map(({ stream }) => stream)).toEqual([
    LogStream.LOG_STREAM_STDERR,
    LogStream.LOG_STREAM_STDOUT,
  ]);
});

test('interleaves the two streams in the order in which they grew', () => {
  const log = open();
  for (const [text, name] of [
    ['a\n', '1.0.out.log'],
    ['b\n', '1.0.err.log'],
    ['c\n', '1.0.out.log'],
    ['d\n', '1.0.err.log'],
  ] as const) {
    out(text, name);
    log.note(name);
  }
  drain(log);
  expect(texts()).toEqual(['a', 'b', 'c', 'd']);
});

test('waits for the rest of a line, keeps characters whole, and takes a last line when its file stays quiet', () => {
  const log = open();
  const bytes = Buffer.from('price: 5 €\nno line break');
  appendFileSync(join(folder, '1.0.out.log'), bytes.subarray(0, 11));
  drain(log);
  expect(texts()).toEqual([]);
  appendFileSync(join(folder, '1.0.out.log'), bytes.subarray(11));
  drain(log);
  expect(texts()).toEqual(['price: 5 €']);
  const before = new Date(Date.now() - 5000);
  utimesSync(join(folder, '1.0.out.log'), before, before);
  drain(log);
  expect(texts()).toEqual(['price: 5 €', 'no line break']);
});

test('cuts a line of more than 16 KiB the same way whether it comes whole or in parts', () => {
  const line = `${'€'.repeat(20_000)}`;
  const log = open();
  out(line.slice(0, 9000));
  drain(log);
  out(`${line.slice(9000)}\n`);
  drain(log);
  const inParts = texts();
  expect(inParts.join('')).toBe(line);
  expect(Math.max(...inParts.map((text) => Buffer.byteLength(text)))).toBeLessThanOrEqual(
    16 * 1024,
  );
  out(`${line}\n`, '2.0.out.log');
  drain(log);
  expect(texts().slice(inParts.length)).toEqual(inParts);
});

test('goes on after its file was renamed or cut', () => {
  const log = open();
  out('first\n');
  drain(log);
  out('late\n');
  renameSync(join(folder, '1.0.out.log'), join(folder, '1.0.out.log.17'));
  out('second\n');
  drain(log);
  truncateSync(join(folder, '1.0.out.log'));
  drain(log);
  out('third\n');
  drain(log);
  expect(texts()).toEqual(['first', 'late', 'second', 'third']);
});

test('redacts known secrets and private keys before they are on disk a second time', () => {
  redactor.add('hunter2-hunter2');
  const log = open();
  out('login hunter2-hunter2\n-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n');
  drain(log);
  out('MIIdef\n-----END RSA PRIVATE KEY-----\nafter\n');
  drain(open());
  expect(texts()).toEqual(['login [redacted]', ...Array(4).fill('[redacted]'), 'after']);
  expect(readFileSync(join(folder, 'place.json'), 'utf8')).not.toMatch(/hunter2|MII/);
});

test('skips a flood, with a gap in the numbers and a line that says so', () => {
  const log = open();
  out('before\n');
  drain(log);
  out(`${'x'.repeat(99)}\n`.repeat(400_000));
  drain(log);
  const lines = kept();
  expect(lines[1]?.[0]).toBeGreaterThan(300_000);
  expect(lines[1]?.[1]).toMatch(/MiB of output were left out/);
  expect(lines.length).toBeLessThan(12_000);
  expect(lines.at(-1)?.[1]).toBe('x'.repeat(99));
});

test('renames a large file, and deletes what is read and over', () => {
  const log = open();
  out(`${'y'.repeat(1023)}\n`.repeat(9 * 1024));
  out('gone\n', '0.0.out.log');
  drain(log);
  expect(log.tidy((run) => run === '1.0')).toBe(true);
  expect(existsSync(join(folder, '1.0.out.log'))).toBe(false);
  out('after\n');
  drain(log);
  expect(kept()).toHaveLength(9 * 1024 + 2);
  const before = new Date(Date.now() - 3_600_000);
  for (const name of ['0.0.out.log', '1.0.out.log']) utimesSync(join(folder, name), before, before);
  expect(log.tidy((run) => run === '1.0')).toBe(false);
  expect(existsSync(join(folder, '0.0.out.log'))).toBe(false);
  expect(existsSync(join(folder, '1.0.out.log'))).toBe(true);
});

test('reports lines soon after they are written, says its own, and forgets an app that is gone', async () => {
  const ended = new AbortController();
  let isKnown = true;
  const engine = { list: () => Promise.resolve([]), reopenLogs: () => Promise.resolve() };
  const logs = startAppLogs(context(), { engine, isKnown: () => isKnown }, ended.signal);
  out('hello\n');
  await expect.poll(texts, { timeout: 1000 }).toEqual(['hello']);
  mkdirSync(join(state, 'logs/apps/other'));
  writeFileSync(join(state, 'logs/apps/other/1.0.out.log'), 'of a new app\n');
  await expect
    .poll(() => chunks.some(({ appId }) => appId === 'other'), { timeout: 1500 })
    .toBe(true);
  logs.say('app', 'PM2 was repaired');
  await expect
    .poll(() => chunks.at(-1)?.lines[0]?.stream, { timeout: 1000 })
    .toBe(LogStream.LOG_STREAM_SYSTEM);
  isKnown = false;
  rmSync(join(folder, '1.0.out.log'));
  await expect.poll(() => existsSync(folder), { timeout: 12_000 }).toBe(false);
  writeFileSync(join(state, 'logs/apps/other/1.0.err.log'), 'last\n');
  ended.abort();
  await logs.done;
  expect(chunks.at(-1)?.lines.at(-1)?.text).toBe('last');
}, 25_000);

test('loses and doubles no line when the agent is killed with -9 again and again', async () => {
  const source = (path: string) => JSON.stringify(join(import.meta.dirname, path));
  const reports = join(state, 'reports');
  const agent = join(state, 'agent.ts');
  writeFileSync(
    agent,
    `import { appendFileSync } from 'node:fs';
     import { startAppLogs } from ${source('app-logs.ts')};
     import { Redactor } from ${source('../redact.ts')};
     const state = ${JSON.stringify(state)};
     const report = (body) => appendFileSync(${JSON.stringify(reports)}, JSON.stringify(body.value, (_, value) => typeof value === 'bigint' ? Number(value) : value) + '\\n');
     const engine = { list: () => Promise.resolve([]), reopenLogs: () => Promise.resolve() };
     startAppLogs({ report, redactor: new Redactor(), settings: { state, logBatchMs: 5, logBatchLines: 50 } }, { engine, isKnown: () => true }, new AbortController().signal);
     setInterval(() => {}, 1000);`,
  );
  const writer = join(state, 'app.ts');
  writeFileSync(
    writer,
    `import { appendFileSync } from 'node:fs';
     for (let number = 0; number < 6000; number += 1) {
       appendFileSync(${JSON.stringify(folder)} + (number % 3 === 0 ? '/1.0.err.log' : '/1.0.out.log'), 'line ' + number + '\\n');
       if (number % 10 === 0) await new Promise((done) => setTimeout(done, 2));
     }`,
  );
  const lines = () =>
    existsSync(reports)
      ? readFileSync(reports, 'utf8')
          .split('\n')
          .filter((row) => row.endsWith('}'))
      : [];
  const app = spawn(process.execPath, [writer], { stdio: 'inherit' });
  const ended = new Promise((done) => app.once('exit', done));
  for (let turn = 0; turn < 6; turn += 1) {
    const child = spawn(process.execPath, [agent], { stdio: 'inherit' });
    const before = lines().length;
    await expect
      .poll(() => lines().length, { timeout: 15_000, interval: 3 })
      .toBeGreaterThan(before + 3);
    child.kill('SIGKILL');
    await new Promise((done) => child.once('exit', done));
  }
  await ended;
  drain(open());
  chunks = [...lines().map((row) => JSON.parse(row) as LogChunk), ...chunks];
  const all = kept();
  expect(all.map(([number]) => number)).toEqual(Array.from({ length: 6000 }, (_, at) => at + 1));
  expect(new Set(all.map(([, text]) => text)).size).toBe(6000);
}, 90_000);
