import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { commandLine, readProcesses } from './metrics/processes.ts';
import { run, spawnDetached } from './shell.ts';

const node = (code: string): string[] => [process.execPath, '-e', code];
const env = { PATH: '/usr/bin:/bin' };
const runs = (line: string): boolean =>
  readProcesses().some(({ pid }) => commandLine(pid).includes(line));

async function until(claim: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!claim() && Date.now() < deadline) await sleep(20);
  expect(claim()).toBe(true);
}

test('gives a program exactly the environment and the arguments it was given', async () => {
  const code = 'console.log(JSON.stringify([process.env, process.argv.slice(1)]))';
  const result = await run([...node(code), '--', '$(id)', '; exit 7'], { env, timeoutMs: 10_000 });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(result.stdout)).toEqual([env, ['$(id)', '; exit 7']]);
});

test('says each line as it comes, whole, also when a character is split between chunks', async () => {
  const lines: string[] = [];
  const code = `
    const bytes = Buffer.from('grüße\\nzwei');
    process.stdout.write(bytes.subarray(0, 3));
    setTimeout(() => process.stdout.write(bytes.subarray(3)), 100);`;
  const result = await run(node(code), {
    env,
    timeoutMs: 10_000,
    onLine: (stream, line) => lines.push(`${stream} ${line}`),
  });
  expect(result.stdout).toBe('grüße\nzwei');
  expect(lines).toEqual(['stdout grüße', 'stdout zwei']);
});

test('keeps the end of a long output and cuts long lines', async () => {
  const lengths: number[] = [];
  const result = await run(node(`process.stdout.write('x'.repeat(100_000) + 'end')`), {
    env,
    timeoutMs: 10_000,
    maxOutput: 10,
    onLine: (_stream, line) => lengths.push(line.length),
  });
  expect(result.stdout).toBe('xxxxxxxend');
  expect(Math.max(...lengths)).toBe(16 * 1024);
  expect(lengths.reduce((sum, each) => sum + each, 0)).toBe(100_003);
});

test('ends the whole process group when time is up', async () => {
  const result = await run(['sh', '-c', 'sleep 31415 & sleep 31415'], { env, timeoutMs: 200 });
  expect(result).toMatchObject({ code: null, isTimedOut: true, isAborted: false });
  await until(() => !runs('sleep 31415'));
});

test('ends the whole process group when it is aborted, also one that ignores SIGTERM', async () => {
  const stopping = new AbortController();
  const running = run(['sh', '-c', `trap '' TERM; echo ready; sleep 27182; sleep 27182`], {
    env,
    timeoutMs: 60_000,
    signal: stopping.signal,
    onLine: () => stopping.abort(),
  });
  expect(await running).toMatchObject({ isAborted: true, isTimedOut: false });
  await until(() => !runs('sleep 27182'));
});

test('does not wait for what a program leaves behind, and ends it', async () => {
  const begin = Date.now();
  const result = await run(['sh', '-c', 'sleep 16180 & echo done'], { env, timeoutMs: 30_000 });
  expect(result).toMatchObject({ code: 0, stdout: 'done\n' });
  expect(Date.now() - begin).toBeLessThan(10_000);
  await until(() => !runs('sleep 16180'));
});

test('says why a program could not be started', async () => {
  const result = await run(['/no/such/program'], { env, timeoutMs: 1000 });
  expect(result).toMatchObject({ code: null, stderr: expect.stringContaining('ENOENT') });
});

test('starts a program in a session of its own, with its output in a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sf-shell-'));
  const logFile = join(folder, 'log');
  const pid = await spawnDetached(['sh', '-c', 'echo hello; exec sleep 14142'], { env, logFile });
  await until(() => readFileSync(logFile, 'utf8') === 'hello\n');
  expect(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3]).toBe(String(pid));
  process.kill(pid, 'SIGKILL');
  await until(() => !runs('sleep 14142'));
  await expect(spawnDetached(['/no/such/program'], { env })).rejects.toThrow('ENOENT');
  rmSync(folder, { recursive: true });
});
