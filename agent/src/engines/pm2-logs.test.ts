import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { LogChunk } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { Context } from '../context.ts';
import { startAppLogs } from '../logs/app-logs.ts';
import { Redactor } from '../redact.ts';
import { until } from '../testing/until.ts';
import { pm2Engine } from './pm2.ts';

const LINES = 16_000;

test('loses no line of an app under PM2 while its files are renamed and opened again', async () => {
  const state = mkdtempSync(join(tmpdir(), 'sf-rotate-'));
  const engine = pm2Engine({
    state,
    pm2: resolve(import.meta.dirname, '../../../node_modules/.bin/pm2'),
  });
  writeFileSync(
    join(state, 'app.mjs'),
    `for (let number = 0; number < ${LINES}; number += 1) {
       process.stdout.write(String(number).padStart(1500, '.') + '\\n');
       if (number % 16 === 0) await new Promise((done) => setTimeout(done, 5));
     }
     setInterval(() => {}, 1000);`,
  );
  const numbers: number[] = [];
  let next = 1;
  const report: Context['report'] = (body) => {
    if (body.$case !== 'log') return;
    const chunk: LogChunk = body.value;
    expect(Number(chunk.firstNumber)).toBe(next);
    next += chunk.lines.length;
    numbers.push(...chunk.lines.map(({ text }) => Number(text.replaceAll('.', ''))));
  };
  const settings = { state, logBatchMs: 20, logBatchLines: 500 } as Context['settings'];
  const stop = new AbortController();
  const logs = startAppLogs(
    { report, redactor: new Redactor(), settings },
    { engine, isKnown: () => true },
    stop.signal,
  );
  const argv = [process.execPath, join(state, 'app.mjs')];
  try {
    await engine.start({
      appId: 'loud',
      name: 'loud',
      release: 1,
      cwd: state,
      argv,
      env: {},
      port: 1,
    });
    await until(() => numbers.length >= LINES, 'every line', 60_000);
    expect(numbers).toEqual(Array.from({ length: LINES }, (_, number) => number));
    const folder = join(state, 'logs/apps/loud');
    const live = await until(
      () => readdirSync(folder).find((name) => name === '1.0.out.log'),
      'the file of now',
      10_000,
    );
    expect(statSync(join(folder, live)).size).toBeLessThan(16_000_000);
    expect(readdirSync(folder).some((name) => /\.log\.\d+$/.test(name))).toBe(true);
  } finally {
    stop.abort();
    await logs.done;
    await engine.control('stop');
    rmSync(state, { recursive: true, force: true, maxRetries: 5 });
  }
}, 120_000);
