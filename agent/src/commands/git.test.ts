import { expect, test } from 'vitest';
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
} from './git.ts';

const tool: GitTool = { git: '/usr/bin/git', mirror: '/apps/a/mirror.git', isHttpAllowed: false };
const url = 'https://example.com/a.git';
const commit = 'a'.repeat(40);

/** What follows the flags that every command of git carries. */
const rest = (argv: string[]): string[] =>
  argv.slice(argv.indexOf('--git-dir=/apps/a/mirror.git') + 1);

test.each([
  [initMirror(tool), ['init', '--quiet', '--bare', '--template=', '--initial-branch=none']],
  [
    resolveCommit(tool, 'refs/heads/main'),
    ['rev-parse', '--verify', '--quiet', '--end-of-options', 'refs/heads/main^{commit}'],
  ],
  [
    readSubject(tool, commit),
    ['show', '--no-patch', '--no-show-signature', '--format=%s', '--end-of-options', commit],
  ],
  [
    archiveCommit(tool, commit, '/tmp/c.tar'),
    ['archive', '--format=tar', '--output=/tmp/c.tar', commit],
  ],
  [
    fetchMirror(tool, url, 'main'),
    [
      'fetch',
      '--quiet',
      '--prune',
      '--no-tags',
      '--no-recurse-submodules',
      '--no-write-fetch-head',
      '--force',
      '--end-of-options',
      url,
      '+refs/heads/*:refs/heads/*',
      '+refs/tags/*:refs/tags/*',
    ],
  ],
])('%j', (argv, wanted) => {
  expect(rest(argv)).toEqual(wanted);
});

test.each([initMirror(tool), fetchMirror(tool, url, ''), archiveCommit(tool, commit, 'x')])(
  'every command is hardened before it is named',
  (...argv) => {
    const flags = argv.slice(0, argv.indexOf('--git-dir=/apps/a/mirror.git'));
    for (const flag of [
      'protocol.allow=never',
      'protocol.https.allow=always',
      'core.hooksPath=/dev/null',
      'credential.helper=',
      'http.followRedirects=false',
    ])
      expect(flags[flags.indexOf(flag) - 1]).toBe('-c');
    expect(flags.join(' ')).not.toContain('protocol.http.allow');
  },
);

test('speaks plain http only where that is allowed', () => {
  expect(fetchMirror({ ...tool, isHttpAllowed: true }, url, '')).toContain(
    'protocol.http.allow=always',
  );
});

test('holds git to the addresses that were checked', () => {
  const pinned = ['example.com:443:192.0.2.1'];
  expect(fetchMirror({ ...tool, pinned }, url, '')).toContain(
    'http.curloptResolve=example.com:443:192.0.2.1',
  );
});

test('asks for the default branch only when no ref is named', () => {
  expect(fetchMirror(tool, url, '').at(-1)).toBe('+HEAD:refs/serverflow/default');
  expect(fetchMirror(tool, url, 'main')).not.toContain('+HEAD:refs/serverflow/default');
});

test('what comes from outside stands behind the end of options', () => {
  const argv = fetchMirror(tool, '--upload-pack=touch /tmp/x', '');
  expect(argv.indexOf('--end-of-options')).toBeLessThan(argv.indexOf('--upload-pack=touch /tmp/x'));
  const named = resolveCommit(tool, '--help');
  expect(named.indexOf('--end-of-options')).toBeLessThan(named.indexOf('--help^{commit}'));
});

test.each([
  ['', ['refs/serverflow/default']],
  ['main', ['refs/heads/main', 'refs/tags/main']],
  ['feature/x', ['refs/heads/feature/x', 'refs/tags/feature/x']],
  ['refs/tags/v1', ['refs/tags/v1', 'refs/heads/refs/tags/v1', 'refs/tags/refs/tags/v1']],
  [commit, [`refs/heads/${commit}`, `refs/tags/${commit}`, commit]],
  ['abc123', ['refs/heads/abc123', 'refs/tags/abc123']],
])('looks for %j as branch, tag, then full commit', (ref, wanted) => {
  expect(candidates(ref)).toEqual(wanted);
});

test('unpacks without owners, rights or a .git', () => {
  expect(unpack('/tmp/c.tar', '/apps/a')).toEqual([
    'tar',
    '--extract',
    '--no-same-owner',
    '--no-same-permissions',
    '--exclude=.git',
    '--file=/tmp/c.tar',
    '--directory=/apps/a',
  ]);
});

test('git reads no configuration and asks no question', () => {
  expect(gitEnvironment('/usr/bin', { HTTPS_PROXY: 'http://proxy' })).toEqual({
    HTTPS_PROXY: 'http://proxy',
    PATH: '/usr/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    GIT_ATTR_NOSYSTEM: '1',
  });
});
