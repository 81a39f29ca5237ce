// npm run lock: makes package-lock.json one that `npm ci` accepts on every platform.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One package in a version 3 lock file, with the fields that matter here. */
export interface LockEntry {
  version?: string;
  resolved?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

/** A version 3 lock file: entries by their path, the root under the empty one. */
export interface Lock {
  packages: Record<string, LockEntry>;
}

const systems = 'aix android darwin freebsd linux netbsd openbsd openharmony sunos win32'.split(
  ' ',
);
const processors = 'arm arm64 ia32 loong64 mips64el ppc64 ppc64le riscv64 s390x wasm32 x64'.split(
  ' ',
);

/** Adds what a registry without some platforms' binaries made npm leave out, and drops registry hosts; returns the names added. */
export function fixLock(lock: Lock): string[] {
  const added: string[] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (entry.resolved?.includes('://')) delete entry.resolved;
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isResolved(lock, path, name)) continue;
      lock.packages[`node_modules/${name}`] = stub(name, range, entry.dev === true);
      added.push(name);
    }
  }
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')),
  );
  return added;
}

// Node's own search: the folder's node_modules, then each parent's.
function isResolved(lock: Lock, from: string, name: string): boolean {
  for (let folder = from; ; folder = parent(folder)) {
    if (lock.packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

function parent(folder: string): string {
  const at = folder.lastIndexOf('node_modules/');
  return at <= 0 ? '' : folder.slice(0, at - 1);
}

// A gated entry is never fetched where its gate does not match, so it needs no integrity.
function stub(name: string, range: string, dev: boolean): LockEntry {
  const words = name.replace(/^@[^/]+\//, '').split(/[-_.]/);
  const os = words.filter((word) => systems.includes(word));
  const cpu = words.filter((word) => processors.includes(word));
  const version = /\d+\.\d+\.\d+[\w.+-]*/.exec(range)?.[0];
  if (os.length + cpu.length === 0 || version === undefined) {
    throw new Error(
      `${name}@${range} is missing from the lock and its name tells no platform: run npm install again, or add it by hand.`,
    );
  }
  if (os[0] === 'linux' && cpu[0] === 'x64' && !words.includes('musl')) {
    throw new Error(
      `${name}@${range} is this platform's own binary: run npm install again before fixing the lock.`,
    );
  }
  return {
    version,
    ...(cpu.length > 0 && { cpu }),
    ...(dev && { dev }),
    optional: true,
    ...(os.length > 0 && { os }),
  };
}

if (import.meta.main) {
  const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
  const before = readFileSync(path, 'utf8');
  const lock = JSON.parse(before) as Lock;
  const added = fixLock(lock);
  const after = `${JSON.stringify(lock, null, 2)}\n`;
  if (after !== before) writeFileSync(path, after);
  console.log(added.length > 0 ? `Added ${added.join(', ')}.` : 'The lock is complete.');
}
