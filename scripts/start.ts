// npm start: builds what is missing, then runs the control plane and an agent for this machine until Ctrl-C.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeExamples } from './examples.ts';
import { buildWeb } from './web-build.ts';

const root = new URL('..', import.meta.url).pathname;
const data = resolve(process.env['SERVERFLOW_DATA'] ?? 'data');
const listen = process.env['SERVERFLOW_LISTEN'] ?? '127.0.0.1:7300';
const url = process.env['SERVERFLOW_PUBLIC_URL'] ?? `http://localhost:${listen.split(':').at(-1)}`;
const state = join(data, 'agent');
const invitation = join(data, 'enrollment');
const children: ChildProcess[] = [];
let stopping = false;

mkdirSync(data, { recursive: true, mode: 0o700 });
const built = await buildWeb();
if (built && !built.passed) process.exit(1);
makeExamples(join(data, 'examples'));
const enrolled = existsSync(join(state, 'identity/agent.json'));
if (!enrolled) rmSync(invitation, { force: true });

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(0));
const plane = start('control plane', 'server/src/main.ts', [], {
  SERVERFLOW_DATA: data,
  SERVERFLOW_LISTEN: listen,
  SERVERFLOW_PUBLIC_URL: url,
  ...(enrolled ? {} : { SERVERFLOW_WRITE_ENROLLMENT: invitation }),
});
plane.once('exit', (code) => void stop(code ?? 1));
if (!enrolled) await enroll();
await ready();
start('agent', 'agent/src/main.ts', ['run', '--state', state]);

/** Waits until the control plane has invited this machine (it does so once there is a person), then enrols by the ordinary ceremony. */
async function enroll(): Promise<void> {
  while (!existsSync(invitation)) await pause(200);
  const done = spawnSync(
    process.execPath,
    [
      join(root, 'agent/src/main.ts'),
      'enroll',
      '--state',
      state,
      '--control-plane',
      url,
      '--token-file',
      invitation,
    ],
    { stdio: 'inherit' },
  );
  rmSync(invitation, { force: true });
  if (done.status !== 0) {
    console.error(
      'This machine could not be enrolled. Connect it by hand in the dashboard under Servers.',
    );
    await new Promise(() => {});
  }
}

/** Waits until the control plane can work; its own exit ends this script. */
async function ready(): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://${listen}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await pause(200);
  }
}

function start(
  name: string,
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  const child = spawn(process.execPath, [join(root, file), ...args], {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE: join(root, '.cache/node'), ...process.env, ...env },
    cwd: root,
  });
  children.push(child);
  child.once('exit', (code) => {
    if (!stopping && name !== 'control plane') console.error(`The ${name} ended with ${code}.`);
  });
  return child;
}

async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  for (const child of children.toReversed()) child.kill('SIGTERM');
  await Promise.race([
    Promise.all(
      children.map((child) =>
        child.exitCode === null ? new Promise((done) => child.once('exit', done)) : undefined,
      ),
    ),
    pause(8_000),
  ]);
  process.exit(code);
}
