import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fences } from './support/fences.ts';
import { readSources, source } from './support/sources.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = readSources(root);
const workspaces = ['', 'gen/', 'server/', 'agent/', 'mcp/', 'web/'];

interface Package {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8');
const packageOf = (workspace: string) => JSON.parse(read(`${workspace}package.json`)) as Package;

describe('the house keeps its fences', () => {
  test.each(fences)('$says', ({ broken }) => {
    expect(broken(sources)).toEqual([]);
  });
});

// Each fence, broken on purpose: a rule that cannot fail is no rule.
const violations: Record<string, [path: string, text: string, also?: [string, string]]> = {
  'the server imports nothing of the agent but its envelope': [
    'server/src/x.ts',
    `import { shell } from '../../agent/src/shell.ts';`,
  ],
  'the agent imports nothing of the server, mcp, the web or gen/es': [
    'agent/src/x.ts',
    `import type { App } from '@serverflow/gen/es/serverflow/app/v1/app_pb';`,
  ],
  'the envelope imports nothing but itself and node:crypto': [
    'agent/envelope/x.ts',
    `import { readFileSync } from 'node:fs';`,
  ],
  'the web imports nothing of ours but gen/es': [
    'web/src/routes/+page.svelte',
    `<h1>Hi</h1>\n<script lang="ts">\n  import { x } from '@serverflow/agent/envelope';\n</script>`,
  ],
  'mcp imports nothing of ours but gen/es': [
    'mcp/src/x.ts',
    `export { start } from '../../server/src/main.ts';`,
  ],
  'gen/grpc is the agent’s alone': [
    'mcp/src/x.ts',
    `const order = await import('@serverflow/gen/grpc/serverflow/agent/v1/order');`,
  ],
  'shell.ts is the only file of the agent that spawns': [
    'agent/src/actions/x.ts',
    `import { spawn } from 'node:child_process';`,
  ],
  'links, orders and actions depend downward only': [
    'agent/src/commands/x.ts',
    `import { deploy } from '../actions/deploy.ts';`,
  ],
  'only the start and the doors import doors': [
    'server/src/apps/apps.ts',
    `import { listen } from '../doors/listen.ts';`,
  ],
  'rows know nothing of messages': [
    'server/src/apps/entity.ts',
    `import { appRpc } from './rpc.ts';`,
  ],
  'commands are pure: nothing they reach touches the world': [
    'agent/src/commands/x.ts',
    `import { y } from '../y.ts';`,
    ['agent/src/y.ts', `import { readFileSync } from 'node:fs';`],
  ],
  'the public door and the agents’ door never meet': [
    'server/src/doors/public.ts',
    `import { z } from './z.ts';`,
    ['server/src/doors/z.ts', `import { agents } from './agents.ts';`],
  ],
  'config.ts is the only reader of the environment': [
    'agent/src/x.ts',
    `const home = process.env.HOME;`,
  ],
  'queries are made in the store, and in the own files of logs and metrics': [
    'server/src/apps/apps.ts',
    `await em.getConnection().execute('select 1');`,
  ],
  'no command goes through a shell': ['scripts/x.ts', `spawn('ls', { shell${':'} true });`],
  'nothing is left to be done': ['web/src/lib/x.ts', `// TO${'DO'}: later`],
  'a file is one idea: at most 300 lines, a test 400': ['mcp/src/x.ts', 'x;\n'.repeat(301)],
};

describe('each fence refuses', () => {
  test.each(fences)('the opposite of: $says', ({ says, broken }) => {
    const violation = violations[says];
    expect(violation, `a violation of "${says}"`).toBeDefined();
    const [path, text, also] = violation!;
    const made = [source(path, text), ...(also ? [source(...also)] : [])];
    expect(broken(made)).toEqual([expect.stringContaining(also?.[0] ?? path)]);
  });

  test('what is allowed passes', () => {
    const made = [
      source('server/src/trust/x.ts', `import { seal } from '@serverflow/agent/envelope';`),
      source('agent/src/commands/x.ts', `import type { Stats } from 'node:fs';`),
      source('agent/src/actions/x.ts', `import { git } from '../commands/git.ts';`),
      source('agent/src/x.ts', `import { Order } from '@serverflow/gen/grpc/agent/v1/order';`),
      source('agent/src/failure.ts', `const next = 'Listen on process.env.PORT.'; // process.env`),
      source('agent/src/config.ts', `export const home = process.env.HOME;`),
      source('server/src/logs/file.ts', `import { DatabaseSync } from 'node:sqlite';`),
      source('web/src/x.ts', `import { x } from '#lib/api/x.ts';`),
    ];
    expect(fences.flatMap(({ broken }) => broken(made))).toEqual([]);
  });
});

test.each([
  'process.env.HOME',
  "process['env']",
  'const { env } = process;',
  "import { env as all } from 'node:process';",
])('"%s" reads the environment', (text) => {
  expect(source('agent/src/x.ts', text).environment).toEqual([1]);
});

describe('dependencies', () => {
  test.each(workspaces)('%spackage.json: each has a sentence in docs/dependencies.md', (room) => {
    const { dependencies, devDependencies, optionalDependencies } = packageOf(room);
    const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    const page = read('docs/dependencies.md');
    const silent = names.filter(
      (name) => !name.startsWith('@serverflow/') && !page.includes(`\`${name}\``),
    );
    expect(silent).toEqual([]);
  });

  test.each(workspaces)('%spackage.json: each version is exact', (room) => {
    const { dependencies, devDependencies, optionalDependencies } = packageOf(room);
    const versions = Object.values({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
    });
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+[\w.-]*$/.test(version))).toEqual([]);
  });

  test('the page praises nothing that is not there', () => {
    const known = workspaces.flatMap((room) => {
      const { dependencies, devDependencies, optionalDependencies } = packageOf(room);
      return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    });
    const named = [...read('docs/dependencies.md').matchAll(/^- `([^`]+)`/gm)].map(
      ([, name]) => name,
    );
    expect(named.filter((name) => name === undefined || !known.includes(name))).toEqual([]);
  });

  test('the agent, which runs as root, depends on these alone', () => {
    expect(Object.keys(packageOf('agent/').dependencies ?? {}).sort()).toEqual([
      '@bufbuild/protobuf',
      '@grpc/grpc-js',
      '@serverflow/gen',
      'httpxy',
      'send',
      'smol-toml',
    ]);
    expect(packageOf('agent/').devDependencies).toBeUndefined();
  });

  test('the lock names no registry', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "[a-z+]+:\/\//);
  });
});
