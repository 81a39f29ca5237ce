import type { Import, Source } from './sources.ts';

/** A rule of the house: what it says, and the places that break it, each as `path:line what`. */
export interface Fence {
  says: string;
  broken: (sources: Source[]) => string[];
}

const ours = /^(agent|bench|gen|mcp|scripts|server|tests|web)(\/|$)/;
const isTest = (path: string) => /^tests\/|\/testing\/|\.test\.ts$/.test(path);
// Small programs of their own, started with an environment that was made for them.
const programs = ['agent/src/engines/launch.ts'];
const inside = (folder: string) => (path: string) => path.startsWith(`${folder}/`);

/** The rules over imports and text that hold in every commit. */
export const fences: Fence[] = [
  imports(
    'the server imports nothing of the agent but its envelope',
    inside('server'),
    ({ target }) => /^agent(\/|$)/.test(target) && target !== 'agent/envelope',
  ),
  imports(
    'the agent imports nothing of the server, mcp, the web or gen/es',
    inside('agent'),
    ({ target }) => /^(server|mcp|web|gen\/es)(\/|$)/.test(target),
  ),
  imports(
    'the envelope imports nothing but itself and node:crypto',
    (path) => inside('agent/envelope')(path) && !isTest(path),
    ({ target }) => target !== 'node:crypto' && !inside('agent/envelope')(target),
  ),
  imports(
    'the web imports nothing of ours but gen/es',
    inside('web'),
    ({ target }) => ours.test(target) && !/^(web|gen\/es)\//.test(target),
  ),
  imports(
    'mcp imports nothing of ours but gen/es',
    (path) => inside('mcp')(path) && !isTest(path),
    ({ target }) => ours.test(target) && !/^(mcp|gen\/es)\//.test(target),
  ),
  imports(
    'gen/grpc is the agent’s alone',
    (path) => !inside('agent')(path),
    ({ target }) => inside('gen/grpc')(target),
  ),
  imports(
    'shell.ts is the only file of the agent that spawns',
    (path) => inside('agent')(path) && !isTest(path) && path !== 'agent/src/shell.ts',
    ({ target }) => target === 'node:child_process' || target === 'child_process',
  ),
  imports(
    'links, orders and actions depend downward only',
    inside('agent/src'),
    ({ target }, path) => {
      const [from, to] = [rank(path), rank(target)];
      return from !== undefined && to !== undefined && to > from;
    },
  ),
  imports(
    'only the start and the doors import doors',
    (path) => /^server\/src\/(?!doors\/)[^/]+\//.test(path) && !isTest(path),
    ({ target }) =>
      inside('server/src/doors')(target) &&
      // Which methods exist is data, not a door.
      target !== 'server/src/doors/registry.ts',
  ),
  imports(
    'rows know nothing of messages',
    (path) => /^server\/src\/.*\/entity\.ts$/.test(path),
    ({ target }) => target.endsWith('/rpc.ts'),
  ),
  {
    says: 'commands are pure: nothing they reach touches the world',
    broken: (sources) => reached(sources, inside('agent/src/commands'), isWorld),
  },
  {
    says: 'the public door and the agents’ door never meet',
    broken: (sources) => [
      ...reached(sources, is('server/src/doors/public.ts'), is('server/src/doors/agents.ts')),
      ...reached(sources, is('server/src/doors/agents.ts'), is('server/src/doors/public.ts')),
    ],
  },
  {
    says: 'config.ts is the only reader of the environment',
    broken: (sources) =>
      sources
        .filter(({ path }) => /^(server|agent)\/src\//.test(path) && !isTest(path))
        .filter(({ path }) => !path.endsWith('/src/config.ts') && !programs.includes(path))
        .flatMap(({ path, environment }) =>
          environment.map((line) => `${path}:${line} reads the environment`),
        ),
  },
  text(
    'queries are made in the store, and in the own files of logs and metrics',
    (path) =>
      inside('server/src')(path) &&
      !isTest(path) &&
      !/^server\/src\/(store|logs|metrics)\//.test(path),
    /\bcreateQueryBuilder\b|\bgetKysely\b|\.execute\(|\bnode:sqlite\b/,
  ),
  // A shell would read what a person or a model wrote as commands.
  text('no command goes through a shell', () => true, /\bshell: (true|['"`])/),
  text('nothing is left to be done', () => true, /\b(TO[D]O|FIX[M]E)\b/),
  {
    says: 'a file is one idea: at most 300 lines, a test 400',
    broken: (sources) =>
      sources
        .filter(({ path }) => !/\/migrations\/[^/]+\/Migration/.test(path))
        .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
        .filter(({ path, lines }) => lines > (isTest(path) ? 400 : 300))
        .map(({ path, lines }) => `${path} has ${lines} lines`),
  },
];

function is(wanted: string) {
  return (path: string) => path === wanted;
}

// An arrow may only point from a later place to an earlier one.
const places = [
  /^commands\//,
  /^(engines|fronts)\//,
  /^verbs\//,
  /^actions\//,
  /^obey\b/,
  /^link\b/,
];

function rank(path: string): number | undefined {
  if (!inside('agent/src')(path) || isTest(path)) return undefined;
  const at = places.findIndex((place) => place.test(path.slice('agent/src/'.length)));
  return at === -1 ? undefined : at;
}

const harmless = ['node:path', 'node:url', 'node:crypto', 'node:util', 'node:buffer', 'smol-toml'];

function isWorld(target: string): boolean {
  return !ours.test(target) && !harmless.includes(target);
}

function imports(
  says: string,
  applies: (path: string) => boolean,
  forbidden: (found: Import, path: string) => boolean,
): Fence {
  return {
    says,
    broken: (sources) =>
      sources
        .filter(({ path }) => applies(path))
        .flatMap(({ path, imports: found }) =>
          found
            .filter((each) => forbidden(each, path))
            .map(({ line, target }) => `${path}:${line} imports ${target}`),
        ),
  };
}

function text(says: string, applies: (path: string) => boolean, forbidden: RegExp): Fence {
  return {
    says,
    broken: (sources) =>
      sources
        .filter(({ path }) => applies(path))
        .flatMap(({ path, text: content }) =>
          content.split('\n').flatMap((line, at) => {
            const match = forbidden.exec(line);
            return match ? [`${path}:${at + 1} says ${match[0]}`] : [];
          }),
        ),
  };
}

// Follows what is loaded at run time; an `import type` leaves nothing behind.
function reached(
  sources: Source[],
  from: (path: string) => boolean,
  forbidden: (target: string) => boolean,
): string[] {
  const byPath = new Map(sources.map((each) => [each.path, each]));
  const seen = new Set<string>();
  const broken: string[] = [];
  const queue = sources.filter(({ path }) => from(path) && !isTest(path));
  for (let next = queue.shift(); next; next = queue.shift()) {
    if (seen.has(next.path)) continue;
    seen.add(next.path);
    for (const { target, line, typeOnly } of next.imports) {
      if (typeOnly) continue;
      if (forbidden(target)) broken.push(`${next.path}:${line} reaches ${target}`);
      const further = byPath.get(target);
      if (further) queue.push(further);
    }
  }
  return broken;
}
