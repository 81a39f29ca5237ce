import { statSync } from 'node:fs';
import { join } from 'node:path';
import { AppKind, type AppSpec } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { fail } from './failure.ts';
import { hasFile, isInside, readPackageJson, type PackageJson } from './package-json.ts';

/** What an app is and how it is brought up, with the reason. */
export type Plan = {
  readonly kind: 'node' | 'static';
  /** How its packages are installed. */
  readonly install: 'locked' | 'unlocked' | 'none';
  /** The npm script that builds it, where there is one. */
  readonly build: string | undefined;
  /** What the build is told beside the variables. */
  readonly buildEnv: Readonly<Record<string, string>>;
  /** What was found, in one sentence. */
  readonly why: string;
  readonly package: PackageJson | undefined;
};

/** Packages that serve by themselves: an app with one of them and no start script is no static site. */
const SERVERS = [
  'express',
  'fastify',
  'koa',
  '@hapi/hapi',
  '@hono/node-server',
  '@nestjs/core',
  'polka',
  'restify',
  'next',
  'nuxt',
  '@sveltejs/adapter-node',
  '@sveltejs/adapter-auto',
];
/** The scripts that npm runs by itself when it installs. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

/** Finds out what lies in a release's folder; reads only. */
export function inspect(tree: string, app: AppSpec): Plan {
  const folder = join(tree, app.directory);
  if (!isInside(tree, app.directory) || !statSync(folder).isDirectory())
    fail('DIRECTORY_NOT_FOUND', `The commit has no folder "${app.directory}".`);
  const settings = app.settings;
  const manifest = readPackageJson(folder);
  const build = buildScript(manifest, settings?.buildScript ?? '');
  const install = howToInstall(folder, manifest);
  const common = { build, install, buildEnv: {}, package: manifest };
  const startName = settings?.startScript || 'start';
  const hasStart = manifest?.scripts[startName] !== undefined;
  if (settings?.startScript && !hasStart && app.kind !== AppKind.APP_KIND_STATIC) {
    const known = Object.keys(manifest?.scripts ?? {}).join(', ') || 'none';
    fail('NO_START', `package.json has no script "${settings.startScript}"; it has: ${known}.`);
  }

  const asNode = (why: string): Plan => ({ ...common, kind: 'node', why });
  const asStatic = (why: string): Plan => ({ ...common, kind: 'static', why });
  if (app.kind === AppKind.APP_KIND_STATIC) return asStatic('A static site, as the app says.');
  if (manifest?.packages.has('@sveltejs/kit') && !hasStart) {
    if (manifest.packages.has('@sveltejs/adapter-static') && app.kind !== AppKind.APP_KIND_NODE)
      return asStatic('A SvelteKit site, built into files by adapter-static.');
    // adapter-auto takes the Node adapter where it sees this variable, and otherwise writes nothing that runs.
    const isAuto = manifest.packages.has('@sveltejs/adapter-auto');
    const buildEnv: Record<string, string> = isAuto ? { GCP_BUILDPACKS: 'serverflow' } : {};
    return { ...asNode('A SvelteKit app, run by its Node adapter.'), buildEnv };
  }
  if (manifest && hasStart) return asNode(`A Node app with the script "${startName}".`);
  if (app.kind === AppKind.APP_KIND_NODE) {
    if (manifest === undefined)
      fail('NOT_AN_APP', 'There is no package.json, so this is no Node app.');
    return asNode('A Node app, as the app says.');
  }
  const server = SERVERS.find((name) => manifest?.packages.has(name));
  if (manifest && build !== undefined && server === undefined)
    return asStatic(`A static site: the script "${build}" builds it and nothing starts it.`);
  if (manifest && (server !== undefined || mainFile(folder, manifest) !== undefined))
    return asNode(server ? `A Node app on ${server}.` : 'A Node app with a main file.');
  if (['index.html', 'public/index.html'].some((file) => hasFile(folder, file)))
    return asStatic('A folder of files with an index.html.');
  fail('NOT_AN_APP', `There is nothing to run or serve in "${app.directory || '/'}".`);
}

/** The file that starts an app without a start script; undefined when there is none. */
export function mainFile(folder: string, manifest: PackageJson): string | undefined {
  const usual = ['server.js', 'index.js', 'app.js', 'main.js', 'server.mjs', 'index.mjs'];
  const named = [manifest.main, `${manifest.main}.js`, `${manifest.main}/index.js`];
  const files = [...(manifest.main === '' ? [] : named), manifest.bin, ...usual];
  return files.find((file) => file !== '' && hasFile(folder, file));
}

function buildScript(manifest: PackageJson | undefined, wanted: string): string | undefined {
  const name = wanted || 'build';
  if (manifest?.scripts[name] !== undefined) return name;
  if (wanted === '') return undefined;
  const known = Object.keys(manifest?.scripts ?? {}).join(', ') || 'none';
  fail('BUILD_FAILED', `package.json has no script "${wanted}"; it has: ${known}.`, {
    cause: "The app's build script is named after a script that is not there.",
    next: "Correct the app's build script, then deploy again.",
  });
}

function howToInstall(folder: string, manifest: PackageJson | undefined): Plan['install'] {
  if (manifest === undefined) return 'none';
  const locks = ['package-lock.json', 'npm-shrinkwrap.json'];
  if (locks.some((file) => hasFile(folder, file))) return 'locked';
  const isNeeded =
    manifest.packages.size > 0 ||
    manifest.hasWorkspaces ||
    INSTALL_SCRIPTS.some((script) => manifest.scripts[script] !== undefined);
  return isNeeded ? 'unlocked' : 'none';
}
