import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf } from './web-build.ts';

test('the build is stale when a file changes, comes or goes, and not by what builds make', () => {
  const folder = mkdtempSync(join(tmpdir(), 'serverflow-digest-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/page.svelte'), '<h1>One</h1>');
  const first = digestOf([folder]);

  mkdirSync(join(folder, 'build'));
  writeFileSync(join(folder, 'build/index.html'), 'made');
  expect(digestOf([folder])).toBe(first);

  writeFileSync(join(folder, 'src/page.svelte'), '<h1>Two</h1>');
  expect(digestOf([folder])).not.toBe(first);
  writeFileSync(join(folder, 'src/page.svelte'), '<h1>One</h1>');
  writeFileSync(join(folder, 'src/more.ts'), '');
  expect(digestOf([folder])).not.toBe(first);
  rmSync(join(folder, 'src/more.ts'));
  expect(digestOf([folder])).toBe(first);
});
