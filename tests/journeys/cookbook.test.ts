import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeExamples } from '../../scripts/examples.ts';
import { startWorld, type World } from '../support/world.ts';

const page = readFileSync(new URL('../../docs/cookbook.md', import.meta.url), 'utf8');

/** The shell blocks of the page in their order, each with what its output must hold. */
const blocks = [...page.matchAll(/^```sh( fails)?\n(.*?)^```\n\n<!-- expects (.*?) -->$/gms)].map(
  ([, fails, code, expected]) => ({
    fails: fails !== undefined,
    code: code!,
    expected: expected!,
  }),
);

let world: World;
beforeAll(async () => {
  world = await startWorld();
  makeExamples(join(world.folder, 'data/examples'));
});
afterAll(() => world?.close());

test('the page has its blocks, and each says what to expect', () => {
  expect(blocks.length).toBeGreaterThan(14);
  expect(page.match(/^```sh( fails)?$/gm)).toHaveLength(blocks.length);
});

test.each(
  blocks.map((block, i) => [i + 1, block.code.replaceAll('\n', ' ').slice(0, 100), block] as const),
)('block %i runs: %s', (_number, _code, block) => {
  // The page is a script of the reader's own shell: here the shell is the thing under test.
  const done = spawnSync('bash', ['-euo', 'pipefail'], {
    input: block.code,
    encoding: 'utf8',
    timeout: 90_000,
    env: { ...process.env, URL: world.url, TOKEN: world.token, MCP_TOKEN: world.mcpToken },
  });
  expect(done.stdout + done.stderr).toContain(block.expected);
  expect(done.status === 0, done.stderr).toBe(!block.fails);
});

test('what the page deployed and rolled back serves', async () => {
  expect((await world.get('hello.localhost')).body).toContain('Hello from your own server');
});
