import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { differences } from './check.ts';

function folder(files: Record<string, string>): string {
  const path = mkdtempSync(join(tmpdir(), 'serverflow-differences-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  mkdirSync(join(path, 'deep'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

test('folders differ by content and by what only one of them has', async () => {
  const left = folder({ same: '1', changed: '1', 'deep/gone': '1' });
  const right = folder({ same: '1', changed: '2', new: '1' });
  expect(await differences(left, right)).toEqual(['changed', 'deep/gone', 'new']);
  expect(await differences(left, left)).toEqual([]);
});
