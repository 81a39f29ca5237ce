import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { nearest } from './nearest.ts';

/** The kinds of order that a policy may refuse. */
export const ACTION_KINDS = [
  'deploy',
  'roll_back',
  'control_app',
  'remove_app',
  'add_domain',
  'remove_domain',
  'control_service',
] as const;
export type ActionKind = (typeof ACTION_KINDS)[number];

/** What a server allows, by its own policy.toml; the control plane can only narrow it. */
export type Policy = {
  /** Whether every order that changes something is refused. */
  readonly readOnly: boolean;
  /** The hosts that apps may come from, in lower case; empty means every public one. A private address counts only when listed. */
  readonly repositoryHosts: readonly string[];
  /** The endings of host names that may be served, in lower case; empty means all. */
  readonly domainSuffixes: readonly string[];
  readonly refusedActions: readonly ActionKind[];
  /** Why policy.toml could not be read; then everything that changes something is refused. */
  readonly broken?: string;
};

/** The policy of a server that has no policy.toml. */
export const OPEN_POLICY: Policy = {
  readOnly: false,
  repositoryHosts: [],
  domainSuffixes: [],
  refusedActions: [],
};

const KEYS = ['read_only', 'repository_hosts', 'domain_suffixes', 'refused_actions'];

/** Reads policy.toml: absent means the defaults; unreadable or malformed refuses everything and says why. Never throws. */
export function readPolicy(file: string): Policy {
  if (!existsSync(file)) return OPEN_POLICY;
  try {
    return parsePolicy(readFileSync(file, 'utf8'));
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
    return {
      ...OPEN_POLICY,
      readOnly: true,
      refusedActions: ACTION_KINDS,
      broken: `${file}: ${why}`,
    };
  }
}

/** Parses the text of policy.toml; throws an Error that names the key. */
export function parsePolicy(toml: string): Policy {
  const table: Record<string, unknown> = parse(toml);
  for (const key of Object.keys(table)) {
    if (!KEYS.includes(key))
      throw new Error(`unknown key ${key}; did you mean ${nearest(key, KEYS)}?`);
  }
  const readOnly = table['read_only'] ?? false;
  if (typeof readOnly !== 'boolean') throw new Error('read_only must be true or false');
  const refusedActions = words(table, 'refused_actions', /^[a-z_]+$/).map((word) => {
    const kind = ACTION_KINDS.find((each) => each === word);
    if (kind === undefined) {
      throw new Error(
        `refused_actions names ${word}; did you mean ${nearest(word, ACTION_KINDS)}?`,
      );
    }
    return kind;
  });
  return {
    readOnly,
    repositoryHosts: words(
      table,
      'repository_hosts',
      /^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)$/,
    ),
    domainSuffixes: words(table, 'domain_suffixes', /^\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/),
    refusedActions,
  };
}

function words(table: Record<string, unknown>, key: string, form: RegExp): string[] {
  const value = table[key] ?? [];
  if (!Array.isArray(value)) throw new Error(`${key} must be a list of texts`);
  return value.map((word: unknown) => {
    if (typeof word !== 'string' || !form.test(word.toLowerCase())) {
      throw new Error(`${key} holds ${JSON.stringify(word)}, which is not of the right form`);
    }
    return word.toLowerCase();
  });
}
