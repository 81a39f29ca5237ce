import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fail } from './failure.ts';

/** A package.json beyond this size is not read, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** What of a package.json says how the app is built and started. */
export type PackageJson = {
  readonly scripts: Readonly<Record<string, string>>;
  /** The names of all packages it asks for, development packages included. */
  readonly packages: ReadonlySet<string>;
  readonly main: string;
  readonly bin: string;
  readonly hasWorkspaces: boolean;
};

/** Reads the package.json of a folder; undefined when there is none, NOT_AN_APP when it cannot be read. */
export function readPackageJson(folder: string): PackageJson | undefined {
  const path = join(folder, 'package.json');
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!stat.isFile() || stat.size > MAX_BYTES)
    fail('NOT_AN_APP', 'package.json is no ordinary file of at most 1 MB.');
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    fail('NOT_AN_APP', `package.json is not valid JSON: ${why}.`);
  }
  const table = tableOf(parsed);
  const bins =
    typeof table['bin'] === 'string' ? [table['bin']] : Object.values(texts(table['bin']));
  const lists = ['dependencies', 'devDependencies', 'optionalDependencies'];
  return {
    scripts: texts(table['scripts']),
    packages: new Set(lists.flatMap((list) => Object.keys(tableOf(table[list])))),
    main: typeof table['main'] === 'string' ? table['main'] : '',
    bin: bins[0] ?? '',
    hasWorkspaces: table['workspaces'] !== undefined,
  };
}

/** Whether a path within a folder is an ordinary file. */
export const hasFile = (folder: string, path: string): boolean =>
  isInside(folder, path) &&
  (lstatSync(join(folder, path), { throwIfNoEntry: false })?.isFile() ?? false);

/** Whether a path exists and stays in its folder, also when links are followed. */
export function isInside(folder: string, path: string): boolean {
  try {
    const root = realpathSync(folder);
    const real = realpathSync(join(folder, path));
    return real === root || real.startsWith(root + sep);
  } catch {
    return false;
  }
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function texts(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(tableOf(value));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
