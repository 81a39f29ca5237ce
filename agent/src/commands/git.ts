/** Where git is and what it may talk to. */
export type GitTool = {
  readonly git: string;
  /** The bare mirror; also git's only repository, whatever the current folder is. */
  readonly mirror: string;
  /** Whether plain http may be spoken; https always may. */
  readonly isHttpAllowed: boolean;
  /** Addresses that were checked, as `host:port:address`: git asks no name server again. */
  readonly pinned?: readonly string[];
};

/**
 * Flags under which no repository can make git run a program, follow a redirect, ask a question,
 * read a credential or speak anything but https (and http where it is allowed).
 */
const HARDENED = [
  'protocol.allow=never',
  'protocol.https.allow=always',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.askPass=',
  'credential.helper=',
  'http.followRedirects=false',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=30',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'gc.auto=0',
  'maintenance.auto=false',
];

function git(tool: GitTool, ...rest: string[]): string[] {
  const flags = [
    ...HARDENED,
    ...(tool.isHttpAllowed ? ['protocol.http.allow=always'] : []),
    ...(tool.pinned ?? []).map((address) => `http.curloptResolve=${address}`),
  ];
  return [tool.git, ...flags.flatMap((flag) => ['-c', flag]), `--git-dir=${tool.mirror}`, ...rest];
}

/** Makes the empty mirror; no template, so no hooks. */
export const initMirror = (tool: GitTool): string[] =>
  git(tool, 'init', '--quiet', '--bare', '--template=', '--initial-branch=none');

/** Brings every branch and tag, and the default branch's commit where no ref was named, into the mirror. */
export function fetchMirror(tool: GitTool, address: string, ref: string): string[] {
  const specs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
  if (ref === '') specs.push('+HEAD:refs/serverflow/default');
  return git(
    tool,
    'fetch',
    '--quiet',
    '--prune',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-fetch-head',
    '--force',
    '--end-of-options',
    address,
    ...specs,
  );
}

/** The names under which a ref is looked for, in this order: branch, tag, full commit id. */
export function candidates(ref: string): string[] {
  if (ref === '') return ['refs/serverflow/default'];
  const isCommit = /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(ref);
  const full = ref.startsWith('refs/heads/') || ref.startsWith('refs/tags/') ? [ref] : [];
  return [...full, `refs/heads/${ref}`, `refs/tags/${ref}`, ...(isCommit ? [ref] : [])];
}

/** Prints the full commit id that a name stands for; exits with 1 when there is none. */
export const resolveCommit = (tool: GitTool, name: string): string[] =>
  git(tool, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`);

/** Prints the first line of a commit's message. */
export const readSubject = (tool: GitTool, commit: string): string[] =>
  git(tool, 'show', '--no-patch', '--no-show-signature', '--format=%s', '--end-of-options', commit);

/** Writes the files of a commit as a tar archive. */
export const archiveCommit = (tool: GitTool, commit: string, file: string): string[] =>
  git(tool, 'archive', '--format=tar', `--output=${file}`, commit);

/** Unpacks such an archive; no file gets an owner or a right of its own, and no .git comes along. */
export const unpack = (file: string, folder: string): string[] => [
  'tar',
  '--extract',
  '--no-same-owner',
  '--no-same-permissions',
  '--exclude=.git',
  `--file=${file}`,
  `--directory=${folder}`,
];

/** The environment of git: no configuration of the machine or of a person, no questions, English messages. */
export const gitEnvironment = (
  searchPath: string,
  network: Readonly<Record<string, string>>,
): Record<string, string> => ({
  ...network,
  PATH: searchPath,
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/false',
  GIT_ATTR_NOSYSTEM: '1',
});
