import { spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, with a slash at its end. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** A command that passes or fails: a name for people and its argv, run at the repository's root. */
export interface Step {
  name: string;
  argv: [program: string, ...args: string[]];
}

/** How a step went. The output is both streams as they came, empty when they were shown at once. */
export interface Outcome {
  name: string;
  passed: boolean;
  ms: number;
  output: string;
}

/** Runs a step with the repository's own programs first on the path; `show` lets its output through instead of keeping it. */
export async function runStep(
  { name, argv: [program, ...args] }: Step,
  options: { show?: boolean; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const startedAt = performance.now();
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
    env: {
      ...process.env,
      ...options.env,
      PATH: [`${root}node_modules/.bin`, dirname(process.execPath), process.env['PATH'] ?? ''].join(
        delimiter,
      ),
    },
  });
  let output = '';
  const keep = (text: string) => void (output += text);
  child.stdout?.setEncoding('utf8').on('data', keep);
  child.stderr?.setEncoding('utf8').on('data', keep);
  const passed = await new Promise<boolean>((resolve) => {
    child.once('close', (code) => resolve(code === 0));
    child.once('error', (error) => {
      keep(`${program} cannot be started: ${error.message}\n`);
      resolve(false);
    });
  });
  return { name, passed, ms: performance.now() - startedAt, output };
}
