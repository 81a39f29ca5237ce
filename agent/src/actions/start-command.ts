import { join } from 'node:path';
import type { Settings } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { fail } from './failure.ts';
import { mainFile, type Plan } from './inspect.ts';
import { hasFile, isInside } from './package-json.ts';
import type { Running } from './record.ts';

/** What a SvelteKit app must know to see the address that a browser sees. */
const BEHIND_FRONT = { PROTOCOL_HEADER: 'x-forwarded-proto', HOST_HEADER: 'x-forwarded-host' };

/** Says how a Node app is started: its start script without a shell where that is possible, else through npm; else its main file. */
export function startCommand(folder: string, plan: Plan, settings: Settings): Running {
  const manifest = plan.package;
  if (manifest === undefined) fail('NO_START', 'There is no package.json.');
  const name = settings.startScript || 'start';
  const script = manifest.scripts[name];
  const isKit = manifest.packages.has('@sveltejs/kit');
  const env = isKit ? BEHIND_FRONT : {};
  if (script !== undefined) {
    const hasHooks = [`pre${name}`, `post${name}`].some(
      (hook) => manifest.scripts[hook] !== undefined,
    );
    const direct = hasHooks ? undefined : withoutShell(folder, script);
    return { kind: 'node', argv: direct ?? ['npm', 'run', '--silent', '--', name], env };
  }
  const file = isKit ? 'build/index.js' : mainFile(folder, manifest);
  if (file === undefined || !hasFile(folder, file)) {
    fail('NO_START', `There is no script "${name}" in package.json and no file to run instead.`, {
      ...(isKit && {
        cause: 'The build of SvelteKit left no build/index.js: it uses another adapter.',
        next: 'Use @sveltejs/adapter-node, push, and deploy again.',
      }),
    });
  }
  return { kind: 'node', argv: ['node', file], env };
}

/**
 * Splits a start script that needs no shell: plain words, of which the first is node or a program
 * that the app's own packages bring. The app then gets its signals without npm and a shell in between.
 */
export function withoutShell(folder: string, script: string): string[] | undefined {
  const words = script.trim().split(/\s+/);
  const [program = '', ...rest] = words;
  if (!words.every((word) => /^[\w@%+:,./-][\w@%+=:,./-]*$/.test(word))) return undefined;
  if (program === 'node') return words;
  const local = join('node_modules', '.bin', program);
  return /^[\w.-]+$/.test(program) && isInside(folder, local) ? [local, ...rest] : undefined;
}
