import {
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  archiveCommit,
  candidates,
  fetchMirror,
  gitEnvironment,
  initMirror,
  readSubject,
  resolveCommit,
  unpack,
  type GitTool,
} from '../commands/git.ts';
import { installLocked, installUnlocked, npmEnvironment, runScript } from '../commands/npm.ts';
import type { Context } from '../context.ts';
import { command, endLeftovers } from './commands.ts';
import { writeDurably } from '../files.ts';
import { layout, type Layout } from './layout.ts';
import { machineOf } from './machine.ts';
import type { Answers, Execute, Verb, Watch } from './verb.ts';

/** How long git and tar may take on what is on disk already, in milliseconds. */
const LOCAL_TIMEOUT_MS = 120_000;
/** How long a fetch may take, in milliseconds; a stalled one ends after 30 s by git's own measure. */
const FETCH_TIMEOUT_MS = 600_000;

type Of<K extends Verb['verb']> = Extract<Verb, { verb: K }>;
type Handlers = {
  readonly [K in Verb['verb']]: (verb: Of<K>, watch: Watch) => Answers[K] | Promise<Answers[K]>;
};

/** The direct executor: it does each verb itself, as the agent's own user. */
export function directExecutor(context: Context): Execute {
  const handlers = handlersOf(context);
  return async <V extends Verb>(verb: V, watch: Watch = {}) => {
    // The table has exactly one handler for each verb; TypeScript cannot follow that through the index.
    const handle = handlers[verb.verb] as unknown as (
      verb: V,
      watch: Watch,
    ) => Promise<Answers[V['verb']]>;
    return handle(verb, watch);
  };
}

function handlersOf(context: Context): Handlers {
  const { settings } = context;
  const { programs } = settings;
  const { engine, front } = machineOf(context);
  const at = (verb: { appId: string }): Layout => layout(settings.apps, verb.appId);
  const tool = (place: Layout): GitTool => ({
    git: programs.git,
    mirror: place.mirror,
    isHttpAllowed: false,
  });
  const git = (place: Layout, argv: string[], watch: Watch, timeoutMs = LOCAL_TIMEOUT_MS) =>
    command(
      place,
      argv,
      {
        cwd: place.root,
        env: gitEnvironment(settings.searchPath, settings.network),
        timeoutMs,
      },
      watch,
    );
  const npm = (
    verb: Of<'install packages'> | Of<'run script'>,
    argv: string[],
    env: Readonly<Record<string, string>>,
    watch: Watch,
  ) => {
    const place = at(verb);
    const cwd = join(place.tree(verb.release), verb.directory);
    const base = { ...settings.network, ...npmEnvironment(place.npmCache), HOME: place.home };
    const path = { PATH: toolPath(programs.node, settings.searchPath), LANG: 'C.UTF-8' };
    const options = { cwd, env: { ...base, ...path, ...env }, timeoutMs: verb.timeoutMs };
    return command(place, argv, options, watch);
  };

  return {
    'make app': (verb) => {
      const place = at(verb);
      for (const folder of [place.releases, place.home, place.npmCache])
        mkdirSync(folder, { recursive: true, mode: 0o700 });
    },
    'fetch repository': async (verb, watch) => {
      const place = at(verb);
      const { isHttpAllowed, pinned } = verb;
      const remote = { ...tool(place), isHttpAllowed, pinned };
      if (!exists(place.mirror)) {
        const made = await git(place, initMirror(remote), watch);
        if (!made.isDone) return made;
        mkdirSync(join(place.mirror, 'info'), { recursive: true });
      }
      // What a repository marks for export must not make a release differ from its commit.
      writeFileSync(join(place.mirror, 'info', 'attributes'), '* -export-ignore -export-subst\n');
      return git(place, fetchMirror(remote, verb.address, verb.ref), watch, FETCH_TIMEOUT_MS);
    },
    'resolve ref': async (verb) => {
      const place = at(verb);
      for (const name of candidates(verb.ref)) {
        const found = await git(place, resolveCommit(tool(place), name), {});
        if (!found.isDone) continue;
        const commit = found.output.trim();
        const subject = await git(place, readSubject(tool(place), commit), {});
        return { commit, message: subject.isDone ? (subject.output.split('\n')[0] ?? '') : '' };
      }
      return undefined;
    },
    'unpack commit': async (verb, watch) => {
      const place = at(verb);
      const archive = join(place.release(verb.release), 'commit.tar');
      mkdirSync(place.tree(verb.release), { recursive: true, mode: 0o700 });
      try {
        const made = await git(place, archiveCommit(tool(place), verb.commit, archive), watch);
        if (!made.isDone) return made;
        return await git(place, unpack(archive, place.tree(verb.release)), watch);
      } finally {
        rmSync(archive, { force: true });
      }
    },
    'install packages': (verb, watch) => {
      const install = verb.isLocked ? installLocked : installUnlocked;
      return npm(verb, install(programs.npm), {}, watch);
    },
    'run script': (verb, watch) =>
      npm(verb, runScript(programs.npm, verb.script), verb.variables, watch),
    'end leftovers': (verb) => endLeftovers(at(verb)),
    'start process': (verb, watch) => engine.start(verb.spec, watch.signal),
    'stop process': (verb) => engine.stop(verb.appId, verb.release, verb.instance),
    'ensure front': () => front.ensure(),
    'apply site': (verb) => front.apply(verb.site),
    'remove site': (verb) => front.remove(verb.appId),
    'write file': (verb) => {
      const place = at(verb);
      const path =
        'release' in verb.at ? place[verb.at.file](verb.at.release) : place[verb.at.file];
      const folder = dirname(path);
      if (verb.at.file !== 'label' || exists(folder)) return writeDurably(path, verb.content);
      // A release's folder appears with its label in it: one that a killed agent left is always known as ours.
      const made = join(place.releases, 'new');
      rmSync(made, { recursive: true, force: true });
      mkdirSync(made, { recursive: true, mode: 0o700 });
      writeDurably(join(made, basename(path)), verb.content);
      renameSync(made, folder);
    },
    'link current': (verb) => {
      const { current } = at(verb);
      rmSync(`${current}.new`, { force: true });
      symlinkSync(join('releases', String(verb.release)), `${current}.new`);
      renameSync(`${current}.new`, current);
    },
    'remove release': (verb) => removeRelease(at(verb), verb.release),
    'remove app': (verb) => removeApp(at(verb).root),
    'control service': (verb) => (verb.service === 'front' ? front : engine).control(verb.action),
  };
}

const REMOVE = { recursive: true, force: true, maxRetries: 3 };

/** Removes a release whose folder carries our label; any other is left alone. It is gone at once, its files then one by one. */
function removeRelease(place: Layout, release: number): void {
  const folder = place.release(release);
  if (!exists(folder)) return;
  refuseForeign(folder, 'release.json');
  const removed = join(place.releases, 'removed');
  rmSync(removed, REMOVE);
  renameSync(folder, removed);
  rmSync(removed, REMOVE);
}

/** Removes an app whose folder carries our label. The label goes last, so that a removal which is cut short can be done again. */
function removeApp(root: string): void {
  if (!exists(root)) return;
  refuseForeign(root, 'app.json');
  for (const name of readdirSync(root).filter((each) => each !== 'app.json'))
    rmSync(join(root, name), REMOVE);
  rmSync(root, REMOVE);
}

function refuseForeign(folder: string, label: string): void {
  if (!exists(join(folder, label)))
    throw new Error(`${folder} does not carry ${label}, so it is not ours to remove`);
}

/** Whether there is something, without following a link. */
const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** The agent's own Node comes first, so that npm and every app run with it. */
export const toolPath = (node: string, searchPath: string): string =>
  `${dirname(node)}:${searchPath}`;
