// Makes a git repository of each folder of examples/, for the control plane to serve under /examples/NAME.git.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const examples = new URL('../examples', import.meta.url).pathname;

/** The commit's author and date are fixed, so that the same files make the same commit id everywhere. */
const fixed = {
  GIT_AUTHOR_NAME: 'ServerFlow',
  GIT_AUTHOR_EMAIL: 'examples@localhost',
  GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'ServerFlow',
  GIT_COMMITTER_EMAIL: 'examples@localhost',
  GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
};

/** Writes <folder>/NAME.git for every example, anew each time and each one whole at once. */
export function makeExamples(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(examples, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  for (const name of names) makeExample(join(examples, name), join(folder, `${name}.git`));
  return names;
}

function makeExample(source: string, target: string): void {
  const work = mkdtempSync(join(tmpdir(), 'serverflow-example-'));
  try {
    cpSync(source, join(work, 'files'), {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    });
    const git = (...args: string[]) => run('git', ['-C', join(work, 'files'), ...args]);
    git('init', '--quiet', '--initial-branch=main');
    git('add', '--all');
    git('commit', '--quiet', '--message', 'Say hello');
    run('git', ['clone', '--quiet', '--bare', join(work, 'files'), join(work, 'bare.git')]);
    run('git', ['-C', join(work, 'bare.git'), 'update-server-info']);
    rmSync(target, { recursive: true, force: true });
    cpSync(join(work, 'bare.git'), `${target}.new`, { recursive: true });
    renameSync(`${target}.new`, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(program: string, args: string[]): void {
  const done = spawnSync(program, args, { env: { ...process.env, ...fixed }, encoding: 'utf8' });
  if (done.error)
    throw new Error(
      `${program} is needed for the bundled examples: install it (apt-get install git).`,
      { cause: done.error },
    );
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${done.stderr}`);
}
