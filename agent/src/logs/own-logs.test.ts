import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cutOwnLogs } from './own-logs.ts';

test('cuts a log that grew too large, keeps one copy, and leaves the others', () => {
  const state = mkdtempSync(join(tmpdir(), 'sf-own-'));
  mkdirSync(join(state, 'front/nginx/logs'), { recursive: true });
  const [large, small] = [
    join(state, 'front/nginx/logs/access.log'),
    join(state, 'front/embedded.log'),
  ];
  writeFileSync(large, Buffer.alloc(17 * 1024 * 1024, 'x'));
  writeFileSync(small, 'one line\n');
  cutOwnLogs(state);
  appendFileSync(large, 'next\n');
  expect([statSync(large).size, statSync(`${large}.1`).size, statSync(small).size]).toEqual([
    5,
    17 * 1024 * 1024,
    9,
  ]);
  rmSync(state, { recursive: true });
});
