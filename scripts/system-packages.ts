import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runStep } from './step.ts';

/** Something of the system that tests run against: where its program may be, and which Debian package brings it. */
export interface Need {
  program: string;
  package: string;
}

/** What the tests run against, beyond what npm installs. */
export const needs: Need[] = [
  { program: 'chromium', package: 'chromium' },
  { program: 'curl', package: 'curl' },
  { program: 'git', package: 'git' },
  { program: 'nginx', package: 'nginx-light' },
  { program: 'ps', package: 'procps' },
];

/** Those whose program is in no folder of the path; system folders count although a user's path may lack them. */
export function missing(path: string): Need[] {
  const folders = [...path.split(delimiter), '/usr/sbin', '/sbin'];
  return needs.filter(({ program }) => !folders.some((each) => existsSync(join(each, program))));
}

/** Installs what is missing where it may: as root, with apt-get. Returns what is missing still, having said so. */
export async function installNeeds(path: string): Promise<Need[]> {
  const wanted = missing(path);
  if (wanted.length === 0) return [];
  const names = wanted.map((need) => need.package);
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.log(`Tests that need ${names.join(', ')} will be skipped. To run them:`);
    console.log(`  sudo apt-get install --no-install-recommends ${names.join(' ')}`);
    return wanted;
  }
  console.log(`Installing ${names.join(', ')} …`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...names];
  for (const args of [['update', '-qq'], install]) {
    const step = await runStep({ name: 'apt-get', argv: ['apt-get', ...args] }, { env });
    if (!step.passed) console.log(`apt-get ${args.join(' ')} failed:\n${step.output.trim()}`);
  }
  const still = missing(path);
  if (still.length > 0) {
    const left = still.map((need) => need.program).join(', ');
    console.log(`Tests that need ${left} will be skipped.`);
  }
  return still;
}
