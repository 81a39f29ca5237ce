// npm test [-- <vitest filters>]: checks, what the tests need, then all tests; the last line sums up.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { check } from './check.ts';
import { root, runStep } from './step.ts';
import { installNeeds } from './system-packages.ts';
import { type Report, type Tally, refuseSkips, tally } from './tally.ts';
import { buildWeb } from './web-build.ts';

const isCi = process.env['CI'] === 'true';
const filters = process.argv.slice(2);

console.log('Checks');
const steps = await check();

console.log('\nWhat the tests need');
await installNeeds(process.env['PATH'] ?? '');
const built = await buildWeb();
if (built) steps.push(built);

console.log('\nTests');
const counted = await runTests();

const { passed, failed, skipped } = isCi ? refuseSkips(counted) : counted;
const failedSteps = steps.filter((step) => !step.passed).map(({ name }) => name);
if (counted.skipped.length > 0) {
  console.log(`\n${isCi ? 'Skipped, which CI does not allow' : 'Skipped'}:`);
  for (const name of counted.skipped) console.log(`  ${name}`);
}
if (failedSteps.length > 0) console.log(`\nFailed before the tests: ${failedSteps.join(', ')}`);
const failures = failed + failedSteps.length;
process.exitCode = failures > 0 ? 1 : 0;
console.log(`\n${passed} passed, ${failures} failed, ${skipped.length} skipped`);

async function runTests(): Promise<Tally> {
  const file = join(root, '.cache/vitest.json');
  mkdirSync(join(root, '.cache'), { recursive: true });
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const run = await runStep(
    { name: 'vitest', argv: ['vitest', 'run', ...reporters, ...filters] },
    { show: true },
  );
  const result = tally(readReport(file));
  // An error outside any test fails the run without failing a case.
  return run.passed || result.failed > 0 ? result : { ...result, failed: 1 };
}

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}
