// npm run check: everything that can be said about the code without running it.
import { readdir, readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Outcome, type Step, root, runStep } from './step.ts';

// The longest first, so that two at a time end together.
const steps: (Step | (() => Promise<Outcome>))[] = [
  { name: 'types', argv: ['tsc', '--noEmit', '-p', 'tsconfig.json'] },
  { name: 'web', argv: ['npm', 'run', '--silent', '-w', 'web', 'check'] },
  { name: 'format', argv: ['prettier', '--check', '--log-level', 'warn', '.'] },
  generated,
  { name: 'fences', argv: ['vitest', 'run', '--project', 'unit', 'tests/fences.test.ts'] },
  { name: 'lint', argv: ['oxlint', '--deny-warnings'] },
  { name: 'unused', argv: ['knip', '--no-progress', '--no-config-hints'] },
  { name: 'buf lint', argv: ['buf', 'lint'] },
  { name: 'buf format', argv: ['buf', 'format', '--diff', '--exit-code', 'proto'] },
  { name: 'buf build', argv: ['buf', 'build'] },
];

/** Runs every check, two at a time, prints each with its time and the output of those that failed, and returns all outcomes. */
export async function check(): Promise<Outcome[]> {
  const waiting = [...steps];
  const outcomes: Outcome[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const outcome = typeof next === 'function' ? await next() : await runStep(next);
      console.log(line(outcome));
      outcomes.push(outcome);
    }
  };
  await Promise.all([work(), work()]);
  for (const { name, passed, output } of outcomes) {
    if (!passed) console.log(`\n── ${name} ──\n${output.trim()}`);
  }
  return outcomes;
}

function line({ name, passed, ms }: Outcome): string {
  return `${passed ? '✓' : '✗'} ${name.padEnd(12)}${(ms / 1000).toFixed(1).padStart(6)} s`;
}

// Generates beside the tree and compares, since other checks read gen/ at the same time.
async function generated(): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'serverflow-generate-'));
  try {
    const made = await runStep({ name: 'generated', argv: ['buf', 'generate', '-o', folder] });
    if (!made.passed) return made;
    const stale = [
      ...(await differences(join(root, 'gen/es'), join(folder, 'gen/es'))),
      ...(await differences(join(root, 'gen/grpc'), join(folder, 'gen/grpc'))),
    ];
    const output = `gen/ is not what proto/ generates; run npm run generate.\n${stale.join('\n')}`;
    return stale.length === 0 ? made : { ...made, passed: false, output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The paths, below both folders, whose content differs or that only one has. */
export async function differences(left: string, right: string): Promise<string[]> {
  const [mine, theirs] = await Promise.all([contents(left), contents(right)]);
  return [...new Set([...mine.keys(), ...theirs.keys()])]
    .filter((name) => mine.get(name) !== theirs.get(name))
    .sort();
}

async function contents(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name }): Promise<[string, string]> => {
        const path = join(parentPath, name);
        return [path.slice(folder.length + 1), await readFile(path, 'utf8')];
      }),
    ),
  );
}

if (import.meta.main) {
  const failed = (await check()).filter(({ passed }) => !passed);
  const names = failed.map(({ name }) => name).join(', ');
  console.log(failed.length > 0 ? `\nFailed: ${names}` : '\nAll checks passed.');
  process.exitCode = failed.length > 0 ? 1 : 0;
}
