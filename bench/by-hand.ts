import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../tests/support/world.ts';
import { median } from './figure.ts';

const execute = promisify(execFile);
const pm2 = new URL('../node_modules/.bin/pm2', import.meta.url).pathname;

/** How often the app is asked whether it answers, in milliseconds. */
const lookMs = 10;

/** A person with a shell who deploys by the commands that the agent runs, and nothing more. */
export type Hand = {
  /** Deploys a repository into a new folder with a copy of an npm cache (which it fills where it is missing); returns the milliseconds until the first 200. */
  readonly deploy: (name: string, repository: string, cache: string) => Promise<number>;
  /** What each command took, medians without the first deploy, in words. */
  readonly story: () => string;
  readonly close: () => Promise<void>;
};

/** Works in a folder of its own, with a PM2 of its own. */
export function byHand(folder: string): Hand {
  const pm2Home = join(folder, 'pm2');
  mkdirSync(pm2Home, { recursive: true });
  const env = { ...process.env, PM2_HOME: pm2Home, PM2_DISCRETE_MODE: 'true', NO_COLOR: '1' };
  const took = new Map<string, number[]>();

  return {
    async deploy(name, repository, cache) {
      const place = (part: string) => join(folder, name, part);
      mkdirSync(place('tree'), { recursive: true });
      if (existsSync(cache)) cpSync(cache, place('npm'), { recursive: true });
      const port = await freePort();
      const steps: [string, () => Promise<unknown>][] = [
        ['git clone', () => execute('git', ['clone', '-q', '--bare', repository, place('git')])],
        [
          'git archive',
          () =>
            execute('git', [`--git-dir=${place('git')}`, 'archive', '-o', place('tar'), 'HEAD']),
        ],
        ['tar', () => execute('tar', ['-xf', place('tar'), '-C', place('tree')])],
        [
          'npm ci',
          () =>
            execute('npm', ['ci', '--include=dev'], {
              cwd: place('tree'),
              env: { ...env, ...quietNpm, npm_config_cache: place('npm') },
            }),
        ],
        [
          'pm2 start',
          () =>
            execute(pm2, ['start', './bin/www', '--name', name, '--silent'], {
              cwd: place('tree'),
              env: { ...env, PORT: String(port) },
            }),
        ],
        ['first 200', () => answers(port)],
      ];
      const begin = performance.now();
      for (const [step, work] of steps) {
        const started = performance.now();
        await work();
        took.set(step, [...(took.get(step) ?? []), performance.now() - started]);
      }
      const ms = performance.now() - begin;
      await execute(pm2, ['delete', name, '--silent'], { env });
      if (!existsSync(cache)) cpSync(place('npm'), cache, { recursive: true });
      return ms;
    },
    story() {
      const parts = [...took].map(
        ([step, times]) => `${step} ${median(times.slice(1)).toFixed(0)} ms`,
      );
      return `By hand: ${parts.join(', ')}.`;
    },
    async close() {
      await execute(pm2, ['kill', '--silent'], { env });
    },
  };
}

/** As the agent has it: nothing is asked and nothing is reported elsewhere. */
const quietNpm = {
  npm_config_update_notifier: 'false',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_progress: 'false',
};

async function answers(port: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await isOk(port))) {
    if (Date.now() > deadline) throw new Error('The app did not answer within 30 s.');
    await pause(lookMs);
  }
}

function isOk(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .once('error', () => resolve(false))
      .end();
  });
}
