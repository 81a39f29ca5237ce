import type { Deployment } from './deployment.ts';
import { fail, lastLines, saysDiskFull } from './failure.ts';
import type { Plan } from './inspect.ts';

/** Installs the packages of the new release by its lock file, or by package.json where there is none. */
export async function install(
  deployment: Deployment,
  plan: Plan,
  say: (detail: string) => void,
): Promise<void> {
  const { app, settings, execute, log, signal } = deployment;
  const isLocked = plan.install === 'locked';
  const name = isLocked ? 'npm ci' : 'npm install';
  log.line('system', isLocked ? 'npm ci' : 'npm install (there is no package-lock.json)');
  const ended = await execute(
    {
      verb: 'install packages',
      appId: app.appId,
      release: deployment.journal().release,
      directory: app.directory,
      isLocked,
      timeoutMs: settings.buildTimeoutMs,
    },
    { signal, onLine: log.line },
  );
  const { output } = ended;
  if (ended.isDone) {
    say(`${name}: ${/(added|up to date)[^\n]*/.exec(output)?.[0] ?? 'done'}`);
    return;
  }
  const evidence = lastLines(withoutNoise(output));
  if (saysDiskFull(output)) fail('DISK_FULL', 'The packages do not fit on the disk.', { evidence });
  if (ended.isTimedOut) {
    const seconds = Math.round(settings.buildTimeoutMs / 1000);
    fail('INSTALL_TIMEOUT', `${name} was not done after ${seconds} s.`, { evidence });
  }
  if (/can only install packages when your package\.json and/i.test(output)) {
    const differences = output.split('\n').filter((line) => /(Missing|Invalid): /.test(line));
    fail('LOCKFILE_MISMATCH', 'package-lock.json does not fit package.json.', {
      evidence: differences.slice(0, 20),
    });
  }
  fail('INSTALL_FAILED', `${name} failed${withCode(ended.code)}.`, { evidence });
}

/** Leaves out what npm says after every error: where its own log lies, and how it is used. */
const withoutNoise = (output: string): string =>
  output
    .replace(/^npm error (A complete log of this run|Run "npm help).*$/gm, '')
    .replace(/^npm error\s*$/gm, '');

/** Says with which exit code a command ended, where it had one. */
export const withCode = (code: number | null): string =>
  code === null ? '' : ` with exit code ${code}`;
