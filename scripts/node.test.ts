import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const launcher = fileURLToPath(new URL('node.mjs', import.meta.url));
const launch = (...args: string[]) =>
  spawn(process.execPath, [launcher, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

test('programs that are started below find the same Node first on the path', async () => {
  const inner = `process.stdout.write(process.execPath + ' ' + process.env.PATH.split(':')[0])`;
  const [program, folder] = (await text(launch('-e', inner).stdout)).split(' ');
  expect(program).toBe(`${folder}/node`);
});

test('the exit code is the program’s', async () => {
  expect(await once(launch('-e', 'process.exit(7)'), 'exit')).toEqual([7, null]);
});

test('a signal reaches the program, which ends in its own way', async () => {
  const inner = `process.on('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1000); process.stdout.write('up')`;
  const child = launch('-e', inner);
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([3, null]);
});
