import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { layout } from '../verbs/layout.ts';
import type { Deployment } from './deployment.ts';
import { fail, lastLines, saysDiskFull } from './failure.ts';
import type { Plan } from './inspect.ts';
import { withCode } from './install.ts';
import { hasFile, isInside } from './package-json.ts';
import type { Running } from './record.ts';
import { startCommand } from './start-command.ts';

/** Where builders put a site, in the order in which they are looked for. */
const OUTPUTS = ['dist', 'build', 'out', 'public', '_site', '.output/public'];

/** Runs the build script of the new release. */
export async function build(
  deployment: Deployment,
  script: string,
  env: Readonly<Record<string, string>>,
  say: (detail: string) => void,
): Promise<void> {
  const { app, settings, execute, log, signal } = deployment;
  log.line('system', `npm run ${script}`);
  const ended = await execute(
    {
      verb: 'run script',
      appId: app.appId,
      release: deployment.journal().release,
      directory: app.directory,
      script,
      variables: env,
      timeoutMs: settings.buildTimeoutMs,
    },
    { signal, onLine: log.line },
  );
  say(`npm run ${script}`);
  if (ended.isDone) return;
  const evidence = lastLines(ended.output);
  if (saysDiskFull(ended.output))
    fail('DISK_FULL', 'What is built does not fit on the disk.', { evidence });
  if (ended.isTimedOut) {
    const seconds = Math.round(settings.buildTimeoutMs / 1000);
    fail('BUILD_TIMEOUT', `npm run ${script} was not done after ${seconds} s.`, { evidence });
  }
  fail('BUILD_FAILED', `npm run ${script} failed${withCode(ended.code)}.`, { evidence });
}

/** Says how the built release is run or served; reads only. */
export function runningOf(deployment: Deployment, plan: Plan): Running {
  const { app, context } = deployment;
  const tree = layout(context.settings.apps, app.appId).tree(deployment.journal().release);
  const folder = join(tree, app.directory);
  return plan.kind === 'node'
    ? startCommand(folder, plan, deployment.settings)
    : staticRoot(tree, folder, plan, deployment.settings.outputDirectory);
}

/** Finds the folder that is served, and refuses one from which a link leads out of the release. */
export function staticRoot(tree: string, folder: string, plan: Plan, wanted: string): Running {
  const outputs = plan.build === undefined ? ['.', ...OUTPUTS] : OUTPUTS;
  const found =
    wanted === '' ? outputs.find((each) => hasFile(folder, join(each, 'index.html'))) : wanted;
  if (found === undefined)
    fail('NO_OUTPUT', `There is no index.html in any of ${outputs.join(', ')}.`);
  if (!isInside(folder, found) || !hasFile(folder, join(found, 'index.html')))
    fail('NO_OUTPUT', `There is no index.html in "${found}".`);
  const root = join(folder, found);
  refuseOutsideLinks(tree, root);
  // A built site routes in the browser unless it brings its own page for what is not found.
  const spa = plan.build !== undefined && !hasFile(root, '404.html');
  return { kind: 'static', root: relative(tree, root), spa };
}

/** The front follows links as the agent's user: one that leads out of the release would serve the server's own files. */
function refuseOutsideLinks(tree: string, root: string): void {
  const inside = realpathSync(tree) + sep;
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    if (lstatSync(path).isSymbolicLink() && !resolves(path).startsWith(inside))
      fail('OUTSIDE_LINK', `The link ${relative(root, path)} leads out of the release.`);
  }
}

function resolves(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return '';
  }
}
