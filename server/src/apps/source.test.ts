import { expect, test } from 'vitest';
import { ProblemError, Reason } from '../guard/problems.ts';
import { checkDirectory, checkRef, checkRepository } from './source.ts';

function reasonOf(work: () => void): Reason | 'allowed' {
  try {
    work();
    return 'allowed';
  } catch (thrown) {
    if (thrown instanceof ProblemError) return thrown.reason;
    throw thrown;
  }
}

test.each([
  'https://github.com/some/repo.git',
  'https://git.example.com:8443/a/b',
  'ssh://git@example.com/a/b.git',
  'ssh://git@example.com:2222/a/b.git',
  'git@github.com:some/repo.git',
  'example:hello',
])('the repository address %s is allowed', (address) => {
  expect(reasonOf(() => checkRepository(address, []))).toBe('allowed');
});

test.each([
  'ext::sh -c whoami',
  'ext::sh',
  '--upload-pack=touch',
  '-uhttps://x',
  'file:///etc',
  '/etc/passwd',
  '../repo',
  'http://example.com/a',
  'https://u:p@example.com/a',
  'https://user@example.com/a',
  'https://localhost/a',
  'https://127.0.0.1/a',
  'https://10.0.0.1/a',
  'https://192.168.1.1/a',
  'https://169.254.169.254/a',
  'https://[::1]/a',
  'https://[fe80::1]/a',
  'https://0x7f.1/a',
  'https://2130706433/a',
  'https://intranet/a',
  'https://a.internal/x',
  'git@localhost:a/b',
  'git@10.0.0.1:a',
  'git://example.com/a',
  'https://example.com/',
  'https://example.com/a?x=1',
  'https://exa mple.com/a',
  'https://example.com/a\n',
  'example:../x',
  'example:',
  'javascript:1',
  'fd::17',
  'https://[::ffff:127.0.0.1]/a',
])('the repository address %j is refused', (address) => {
  expect(reasonOf(() => checkRepository(address, []))).toBe(Reason.BAD_REPOSITORY);
});

test('a private or unencrypted address is allowed where the server lists the host, and then no other is', () => {
  expect(reasonOf(() => checkRepository('http://127.0.0.1:3000/a.git', ['127.0.0.1']))).toBe(
    'allowed',
  );
  expect(reasonOf(() => checkRepository('https://github.com/a/b', ['127.0.0.1']))).toBe(
    Reason.BAD_REPOSITORY,
  );
});

test.each(['', 'main', 'feature/x-1', 'v1.2.3', 'a'.repeat(40), 'release_2026'])(
  'the ref %j is allowed',
  (ref) => {
    expect(reasonOf(() => checkRef(ref))).toBe('allowed');
  },
);

test.each([
  '-x',
  '--upload-pack=x',
  'a..b',
  'a b',
  'a~1',
  'a^',
  'a:b',
  'a?',
  'a*',
  'a[',
  'a\\b',
  '/a',
  'a/',
  'a.',
  '.a',
  'a/.b',
  'a.lock',
  'a.lock/b',
  '@',
  'a@{1}',
  'a//b',
  'a\x00',
])('the ref %j is refused', (ref) => {
  expect(reasonOf(() => checkRef(ref))).toBe(Reason.BAD_REF);
});

test.each(['../x', '/etc', 'a/../b', 'a//b', './a', '-x', '~', 'a\\b', 'a/.git', 'a\x00'])(
  'the directory %j is refused',
  (path) => {
    expect(reasonOf(() => checkDirectory('directory', path))).toBe(Reason.BAD_PATH);
  },
);
