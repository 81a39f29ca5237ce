import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogChunk } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { Context, ReportBody } from '../context.ts';
import { Redactor } from '../redact.ts';
import { openDeploymentLog } from './deployment-log.ts';

const log = { appId: 'app-1', deploymentId: 'deployment-1' };
let state: string;
let chunks: LogChunk[];
let redactor: Redactor;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'sf-log-'));
  chunks = [];
  redactor = new Redactor();
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

function context(
  logBatchMs = 60_000,
  logBatchLines = 500,
): Pick<Context, 'report' | 'redactor' | 'settings'> {
  const settings = { state, logBatchMs, logBatchLines } as Context['settings'];
  const report = (body: ReportBody) => void (body.$case === 'log' && chunks.push(body.value));
  return { report, redactor, settings };
}

/** What the control plane keeps: one text for each number, the first that came. */
function kept(): Map<number, string> {
  const lines = new Map<number, string>();
  for (const chunk of chunks) {
    chunk.lines.forEach((line, at) => {
      const number = Number(chunk.firstNumber) + at;
      const before = lines.get(number);
      if (before !== undefined) expect(line.text).toBe(before);
      lines.set(number, line.text);
    });
  }
  return lines;
}

test('numbers lines from 1 and reports them in batches, the rest when it is closed', () => {
  const opened = openDeploymentLog(context(60_000, 3), log);
  for (let number = 1; number <= 7; number += 1) opened.line('stdout', `line ${number}`);
  expect(chunks.map(({ firstNumber, lines }) => [Number(firstNumber), lines.length])).toEqual([
    [1, 3],
    [4, 3],
  ]);
  opened.close();
  expect(kept().get(7)).toBe('line 7');
  opened.line('stdout', 'after the end');
  expect(kept().size).toBe(7);
});

test('reports a line that stays alone after the batch time', async () => {
  const opened = openDeploymentLog(context(20), log);
  opened.line('stderr', 'alone');
  await expect.poll(() => chunks.length).toBe(1);
  opened.close();
});

test('goes on with the next number when it is opened again after its end', () => {
  for (const text of ['first', 'second']) {
    const opened = openDeploymentLog(context(), log);
    opened.line('stdout', text);
    opened.close();
  }
  expect([...kept()]).toEqual([
    [1, 'first'],
    [2, 'second'],
  ]);
});

test('redacts before anything is on disk, splits lines and cuts them at 16 KiB between characters', () => {
  redactor.add('hunter2-hunter2');
  const opened = openDeploymentLog(context(), log);
  opened.line('stdout', 'password hunter2-hunter2\nnext');
  opened.line('stdout', `${'x'.repeat(16 * 1024 - 1)}€`);
  for (const line of [
    '-----BEGIN PRIVATE KEY-----',
    'MIIabc',
    '-----END PRIVATE KEY-----',
    'after',
  ])
    opened.line('stdout', line);
  const file = readFileSync(join(state, 'logs/deployments/deployment-1.jsonl'), 'utf8');
  expect(file).not.toMatch(/hunter2|MIIabc/);
  opened.close();
  const lines = [...kept().values()];
  expect(lines.slice(0, 2)).toEqual(['password [redacted]', 'next']);
  expect(lines[2]).toBe('x'.repeat(16 * 1024 - 1));
  expect(lines.slice(3)).toEqual(['[redacted]', '[redacted]', '[redacted]', 'after']);
});

test('keeps a chunk far under the size of a message', () => {
  const opened = openDeploymentLog(context(), log);
  for (let number = 1; number <= 100; number += 1) opened.line('stdout', 'y'.repeat(16 * 1024));
  opened.close();
  const sizes = chunks.map(({ lines }) => lines.reduce((sum, { text }) => sum + text.length, 0));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(512 * 1024);
  expect(kept().size).toBe(100);
});

test('leaves out what is beyond its bound, with a gap in the numbers and a line that says so', () => {
  const opened = openDeploymentLog(context(), log);
  for (let number = 1; number <= 200_010; number += 1) opened.line('stdout', 'z');
  opened.close();
  const lines = kept();
  expect(lines.size).toBe(200_001);
  expect(lines.has(200_005)).toBe(false);
  expect(lines.get(200_011)).toContain('10 lines before this one were left out');
});

test('refuses an id that would leave its folder', () => {
  expect(() => openDeploymentLog(context(), { ...log, deploymentId: '../../x' })).toThrow(
    'not the id',
  );
});

test('loses and doubles no line when its process is killed with -9 again and again', async () => {
  const writer = join(state, 'writer.ts');
  const source = (path: string) => JSON.stringify(join(import.meta.dirname, path));
  appendFileSync(
    writer,
    `import { appendFileSync, readFileSync } from 'node:fs';
     import { openDeploymentLog } from ${source('deployment-log.ts')};
     import { Redactor } from ${source('../redact.ts')};
     const state = ${JSON.stringify(state)};
     const report = (body) => appendFileSync(state + '/reports', JSON.stringify(body.value, (_, value) => typeof value === 'bigint' ? Number(value) : value) + '\\n');
     const log = openDeploymentLog({ report, redactor: new Redactor(), settings: { state, logBatchMs: 5, logBatchLines: 7 } }, ${JSON.stringify(log)});
     let said = 0;
     for (;;) {
       const text = process.pid + ' ' + said;
       log.line('stdout', text);
       appendFileSync(state + '/said', text + '\\n');
       said += 1;
       if (said % 20 === 0) await new Promise((done) => setTimeout(done, 1));
     }`,
  );
  for (let turn = 0; turn < 4; turn += 1) {
    const child = spawn(process.execPath, [writer], { stdio: 'inherit' });
    const saidBy = () =>
      tryRead(join(state, 'said')).filter((line) => line.startsWith(`${child.pid} `)).length;
    await expect.poll(saidBy, { timeout: 15_000, interval: 5 }).toBeGreaterThan(100);
    child.kill('SIGKILL');
    await new Promise((done) => child.once('exit', done));
  }
  const last = openDeploymentLog(context(), log);
  last.close();
  const before = tryRead(join(state, 'reports')).map((row) => JSON.parse(row) as LogChunk);
  chunks = [...before, ...chunks];
  const lines = kept();
  expect([...lines.keys()].toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: lines.size }, (_, at) => at + 1),
  );
  expect(new Set(lines.values()).size).toBe(lines.size);
  const said = tryRead(join(state, 'said'));
  expect(new Set(lines.values())).toEqual(new Set([...said, ...lines.values()]));
  expect(lines.size - said.length).toBeLessThanOrEqual(4);
  expect(readdirSync(join(state, 'logs/deployments'))).toEqual(['deployment-1.jsonl']);
}, 60_000);

function tryRead(path: string): string[] {
  try {
    const text = readFileSync(path, 'utf8');
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}
