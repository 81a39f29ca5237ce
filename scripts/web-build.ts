import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, root, runStep } from './step.ts';

const inputs = ['web', 'gen/es', 'package-lock.json'];
const made = ['build', 'node_modules', '.svelte-kit', 'paraglide', 'project.inlang'];
const stamp = join(root, '.cache/web-build');

/** Builds the dashboard where there is no build or it was made of something else; undefined when nothing was to be done. */
export async function buildWeb(): Promise<Outcome | undefined> {
  const digest = digestOf(inputs.map((input) => join(root, input)));
  if (existsSync(join(root, 'web/build/index.html')) && lastDigest() === digest) return undefined;
  console.log('Building the dashboard …');
  const built = await runStep({
    name: 'web build',
    argv: ['npm', 'run', '--silent', '-w', 'web', 'build'],
  });
  console.log(built.passed ? `Built in ${(built.ms / 1000).toFixed(1)} s.` : built.output.trim());
  if (built.passed) {
    mkdirSync(join(root, '.cache'), { recursive: true });
    writeFileSync(stamp, digest);
  }
  return built;
}

function lastDigest(): string | undefined {
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined;
}

/** A digest over the names and contents of files and of all below folders, without what builds make there. */
export function digestOf(paths: string[]): string {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(filesIn).sort()) {
    const content = readFileSync(path);
    hash.update(`${path.slice(root.length)} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

function filesIn(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  const names = readdirSync(path).filter((name) => !made.includes(name));
  return names.flatMap((name) => filesIn(join(path, name)));
}
