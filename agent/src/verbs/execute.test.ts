import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDesk } from '../testing/desk.ts';
import { directExecutor } from './execute.ts';
import { layout } from './layout.ts';
import type { Execute } from './verb.ts';

const state = mkdtempSync(join(tmpdir(), 'sf-verbs-'));
const place = layout(join(state, 'apps'), 'app');
let execute: Execute;

beforeAll(async () => {
  const desk = await makeDesk('embedded', state);
  execute = directExecutor(desk.context);
  await execute({ verb: 'make app', appId: 'app' });
});
afterAll(() => rmSync(state, { recursive: true, force: true }));

const label = (release: number, content = '{}') =>
  execute({ verb: 'write file', appId: 'app', at: { file: 'label', release }, content });

test.each(['../other', 'a/b', '.', '', 'a b', '-a', 'a'.repeat(65)])(
  '%j is no id of an app and becomes no path',
  (appId) => {
    expect(() => layout('/apps', appId)).toThrow('is no id of an app');
  },
);

test.each([0, -1, 1.5, Number.NaN, Number.MAX_SAFE_INTEGER + 2])('%d is no release', (release) => {
  expect(() => place.tree(release)).toThrow('is no release');
});

test('a file is written whole, for the owner alone, and a release appears with its label', async () => {
  await label(1, 'first');
  await label(1, 'second');
  expect(readFileSync(place.label(1), 'utf8')).toBe('second');
  expect(statSync(place.label(1)).mode & 0o777).toBe(0o600);
  expect(statSync(place.release(1)).mode & 0o777).toBe(0o700);
  expect(readdirSync(place.releases)).toEqual(['1']);
});

test('only what carries our label is removed', async () => {
  await label(2);
  mkdirSync(place.tree(2));
  await execute({ verb: 'remove release', appId: 'app', release: 2 });
  expect(readdirSync(place.releases)).toEqual(['1']);
  await execute({ verb: 'remove release', appId: 'app', release: 2 });

  mkdirSync(place.release(3));
  writeFileSync(join(place.release(3), 'precious'), '');
  const removing = execute({ verb: 'remove release', appId: 'app', release: 3 });
  await expect(removing).rejects.toThrow('not ours to remove');
  await expect(execute({ verb: 'remove app', appId: 'app' })).rejects.toThrow('not ours to remove');
  expect(existsSync(join(place.release(3), 'precious'))).toBe(true);
});

test('a command that outlived the agent is ended, and another process under its number is not', async () => {
  writeFileSync(place.running, JSON.stringify({ pid: process.pid, identity: 'another boot' }));
  await execute({ verb: 'end leftovers', appId: 'app' });
  expect(existsSync(place.running)).toBe(false);
  await execute({ verb: 'end leftovers', appId: 'app' });
});

test('a script runs with an environment of its own, in the folder of its release', async () => {
  await label(4);
  mkdirSync(place.tree(4));
  const show =
    'node -e "console.log(JSON.stringify([process.env.HOME, process.env.KEY, process.cwd(), process.execPath]))"';
  writeFileSync(join(place.tree(4), 'package.json'), JSON.stringify({ scripts: { show } }));
  const said: string[] = [];
  const ended = await execute(
    {
      verb: 'run script',
      appId: 'app',
      release: 4,
      directory: '',
      script: 'show',
      variables: { KEY: 'value' },
      timeoutMs: 30_000,
    },
    { onLine: (_stream, line) => said.push(line) },
  );
  expect(ended).toMatchObject({ isDone: true, code: 0, isTimedOut: false });
  expect(JSON.parse(said.at(-1) ?? '')).toEqual([
    place.home,
    'value',
    place.tree(4),
    process.execPath,
  ]);
  expect(existsSync(place.running)).toBe(false);
});
