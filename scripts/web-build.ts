import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, root, runStep } from './step.ts';

const inputs = ['web', 'gen/es'];
const outputs = /\/(build|node_modules|\.svelte-kit|paraglide|cache)$|\.log$/;

/** Builds the dashboard where there is no build or something it is made of is newer; undefined when nothing was to be done. */
export async function buildWeb(): Promise<Outcome | undefined> {
  const index = join(root, 'web/build/index.html');
  const isFresh = existsSync(index) && statSync(index).mtimeMs >= newest(inputs);
  if (isFresh) return undefined;
  console.log('Building the dashboard …');
  const built = await runStep({
    name: 'web build',
    argv: ['npm', 'run', '--silent', '-w', 'web', 'build'],
  });
  console.log(
    built.passed ? `Built in ${(built.ms / 1000).toFixed(1)} s.` : `${built.output.trim()}`,
  );
  return built;
}

function newest(folders: string[]): number {
  return Math.max(0, ...folders.map((folder) => newestIn(join(root, folder))));
}

// A folder's own time tells of files that were removed, but web/ itself changes with each build.
function newestIn(path: string): number {
  if (outputs.test(path)) return 0;
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  const own = path === join(root, 'web') ? 0 : stats.mtimeMs;
  return Math.max(own, ...readdirSync(path).map((name) => newestIn(join(path, name))));
}
