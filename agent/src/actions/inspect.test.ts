import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppKind, type AppSpec } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { afterEach, expect, test } from 'vitest';
import { appSpec } from '../testing/desk.ts';
import { staticRoot } from './build.ts';
import { StepFailure } from './failure.ts';
import { inspect } from './inspect.ts';
import { startCommand, withoutShell } from './start-command.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function lay(files: Readonly<Record<string, string | object>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sf-tree-'));
  folders.push(folder);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(
      join(folder, path),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  }
  return folder;
}
const app = (change: Partial<AppSpec> = {}, settings: object = {}): AppSpec => ({
  ...appSpec('a', 'https://example.com/a.git', settings),
  ...change,
});
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof StepFailure) return error.reason.code;
    throw error;
  }
  return 'none';
};
const scripts = (all: Record<string, string>, packages: Record<string, string> = {}) => ({
  'package.json': { scripts: all, dependencies: packages },
});
const kit = (adapter: string) => ({
  'package.json': {
    scripts: { build: 'vite build' },
    devDependencies: { '@sveltejs/kit': '2', vite: '7', [adapter]: '5' },
  },
});

test.each([
  ['a start script', scripts({ start: 'node a.js' }), 'node', 'none', undefined],
  [
    'packages and a lock file',
    { ...scripts({ start: 'x' }, { a: '1' }), 'package-lock.json': '{}' },
    'node',
    'locked',
    undefined,
  ],
  [
    'packages without a lock file',
    scripts({ start: 'x' }, { a: '1' }),
    'node',
    'unlocked',
    undefined,
  ],
  [
    'a script that npm runs at the install',
    scripts({ start: 'x', postinstall: 'y' }),
    'node',
    'unlocked',
    undefined,
  ],
  ['start and build', scripts({ start: 'x', build: 'tsc' }), 'node', 'none', 'build'],
  [
    'a Vite site',
    scripts({ dev: 'vite', build: 'vite build', preview: 'vite preview' }, { vite: '7' }),
    'static',
    'unlocked',
    'build',
  ],
  [
    'a server without a start script',
    { ...scripts({ build: 'tsc' }, { express: '5' }), 'index.js': '' },
    'node',
    'unlocked',
    'build',
  ],
  [
    'a main file',
    { 'package.json': { main: 'lib/go.js' }, 'lib/go.js': '' },
    'node',
    'none',
    undefined,
  ],
  ['a bin', { 'package.json': { bin: { x: 'cli.js' } }, 'cli.js': '' }, 'node', 'none', undefined],
  ['index.html', { 'index.html': '' }, 'static', 'none', undefined],
  ['public/index.html', { 'public/index.html': '' }, 'static', 'none', undefined],
  ['SvelteKit with the Node adapter', kit('@sveltejs/adapter-node'), 'node', 'unlocked', 'build'],
  [
    'SvelteKit with the automatic adapter',
    kit('@sveltejs/adapter-auto'),
    'node',
    'unlocked',
    'build',
  ],
  [
    'SvelteKit with the static adapter',
    kit('@sveltejs/adapter-static'),
    'static',
    'unlocked',
    'build',
  ],
] as const)('finds out %s', (_name, files, kind, install, build) => {
  expect(inspect(lay(files), app())).toMatchObject({ kind, install, build });
});

test.each([
  ['nothing', { 'README.md': '' }, app(), 'NOT_AN_APP'],
  ['a broken package.json', { 'package.json': '{' }, app(), 'NOT_AN_APP'],
  ['no such folder', { 'index.html': '' }, app({ directory: 'web' }), 'DIRECTORY_NOT_FOUND'],
  [
    'a start script that is not there',
    scripts({ dev: 'x' }),
    app({}, { startScript: 'serve' }),
    'NO_START',
  ],
  [
    'a build script that is not there',
    scripts({ start: 'x' }),
    app({}, { buildScript: 'make' }),
    'BUILD_FAILED',
  ],
  [
    'no package.json for Node',
    { 'index.html': '' },
    app({ kind: AppKind.APP_KIND_NODE }),
    'NOT_AN_APP',
  ],
] as const)('says what is wrong with %s', (_name, files, spec, code) => {
  const folder = lay(files);
  expect(codeOf(() => inspect(folder, spec))).toBe(code);
});

test('takes the folder that the app names, and no link that leads out of the commit', () => {
  const folder = lay({ 'web/index.html': '', 'README.md': '' });
  expect(inspect(folder, app({ directory: 'web' })).kind).toBe('static');
  symlinkSync('/etc', join(folder, 'out'));
  expect(codeOf(() => inspect(folder, app({ directory: 'out' })))).toBe('DIRECTORY_NOT_FOUND');
  symlinkSync('/etc/hostname', join(folder, 'package.json'));
  expect(codeOf(() => inspect(folder, app()))).toBe('NOT_AN_APP');
});

test.each([
  ['node server.js', ['node', 'server.js']],
  ['node --enable-source-maps ./bin/www', ['node', '--enable-source-maps', './bin/www']],
  ['next start', ['node_modules/.bin/next', 'start']],
  ['serve dist', undefined],
  ['NODE_ENV=production node server.js', undefined],
  ['node a.js && node b.js', undefined],
  ['node "a b.js"', undefined],
  ['node server.js > log', undefined],
  ['node $FILE', undefined],
  ['../../bin/evil start', undefined],
])('starts %j without a shell where it needs none', (script, wanted) => {
  expect(withoutShell(lay({ 'node_modules/.bin/next': '' }), script)).toEqual(wanted);
});

test('starts what npm has to start through npm, and what has no script by its main file', () => {
  const start = (files: Readonly<Record<string, string | object>>) => {
    const folder = lay(files);
    const spec = app();
    if (spec.settings === undefined) throw new Error('no settings');
    return startCommand(folder, inspect(folder, spec), spec.settings);
  };
  expect(start(scripts({ start: 'node a.js | cat' }))).toMatchObject({
    argv: ['npm', 'run', '--silent', '--', 'start'],
  });
  expect(start(scripts({ start: 'node a.js', prestart: 'x' }))).toMatchObject({
    argv: ['npm', 'run', '--silent', '--', 'start'],
  });
  expect(start({ 'package.json': { main: 'go' }, 'go.js': '' })).toMatchObject({
    argv: ['node', 'go.js'],
  });
  expect(start({ ...kit('@sveltejs/adapter-node'), 'build/index.js': '' })).toMatchObject({
    argv: ['node', 'build/index.js'],
    env: { PROTOCOL_HEADER: 'x-forwarded-proto', HOST_HEADER: 'x-forwarded-host' },
  });
  expect(codeOf(() => start(kit('@sveltejs/adapter-node')))).toBe('NO_START');
});

test.each([
  ['the output of a build', { 'dist/index.html': '' }, '', { root: 'dist', spa: true }],
  [
    'a site with its own page for what is not found',
    { 'out/index.html': '', 'out/404.html': '' },
    '',
    { root: 'out', spa: false },
  ],
  [
    'the folder that the app names',
    { 'dist/index.html': '', 'www/index.html': '' },
    'www',
    { root: 'www', spa: true },
  ],
  ['no output', { 'src/index.html': '' }, '', 'NO_OUTPUT'],
  ['a named folder without a site', { 'dist/index.html': '' }, 'www', 'NO_OUTPUT'],
] as const)('serves %s', (_name, files, wanted, found) => {
  const folder = lay({ ...scripts({ build: 'x' }), ...files });
  const root = () => staticRoot(folder, folder, inspect(folder, app()), wanted);
  if (typeof found === 'string') expect(codeOf(root)).toBe(found);
  else expect(root()).toMatchObject(found);
});

test('serves no file that a link fetches from elsewhere on the server', () => {
  const folder = lay({ ...scripts({ build: 'x' }), 'dist/index.html': '', 'dist/a/b.txt': '' });
  const root = () => staticRoot(folder, folder, inspect(folder, app()), '');
  symlinkSync('b.txt', join(folder, 'dist/a/inside'));
  expect(codeOf(root)).toBe('none');
  symlinkSync('/etc/passwd', join(folder, 'dist/a/outside'));
  expect(codeOf(root)).toBe('OUTSIDE_LINK');
});
