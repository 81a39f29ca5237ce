import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { missing, needs } from './system-packages.ts';

test('a program is missing until a folder of the path has it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'serverflow-path-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const git = needs.filter(({ program }) => program === 'git');
  expect(git).toHaveLength(1);
  expect(missing(folder)).toEqual(expect.arrayContaining(git));
  for (const { program } of needs) writeFileSync(join(folder, program), '');
  expect(missing(folder)).toEqual([]);
});
