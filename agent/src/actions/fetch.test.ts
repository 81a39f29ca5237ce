import { expect, test } from 'vitest';
import { explain, pin, sourceOf } from './fetch.ts';
import { StepFailure } from './failure.ts';

const settings = { controlPlane: new URL('http://127.0.0.1:7300') };
const policy = { repositoryHosts: [] };
const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof StepFailure) return error.reason.code;
    throw error;
  }
  return 'none';
};

test.each([
  ['https://example.com/a.git', [], { address: 'https://example.com/a.git', isHttpAllowed: false }],
  ['http://git.lan/a.git', ['git.lan'], { address: 'http://git.lan/a.git', isHttpAllowed: true }],
  [
    'example:hello',
    [],
    { address: 'http://127.0.0.1:7300/examples/hello.git', isHttpAllowed: true },
  ],
])('%s leads where it should', (repository, repositoryHosts, wanted) => {
  expect(sourceOf(repository, settings, { repositoryHosts })).toEqual(wanted);
});

test.each([
  'http://git.lan/a.git',
  'ssh://git@example.com/a.git',
  'file:///etc',
  'ext::sh -c id',
  '--upload-pack=id',
  'example:../secret',
  '/etc',
])('%s is not fetched', async (repository) => {
  expect(await codeOf(() => sourceOf(repository, settings, policy))).toBe('REPOSITORY_DENIED');
});

test.each([
  'https://127.0.0.1/a.git',
  'https://[::1]/a.git',
  'https://localhost/a.git',
  'https://10.0.0.1:8443/a',
])('%s leads into a private network and is not fetched unless it is listed', async (address) => {
  expect(await codeOf(() => pin(address, settings, policy))).toBe('REPOSITORY_DENIED');
  const { hostname } = new URL(address);
  expect(await pin(address, settings, { repositoryHosts: [hostname] })).toEqual([]);
});

test.each([
  ["fatal: couldn't find remote ref HEAD", 'REF_NOT_FOUND'],
  [
    "fatal: unable to access 'https://x/': The requested URL returned error: 301",
    'REPOSITORY_UNREACHABLE',
  ],
  [
    "fatal: could not read Username for 'https://x': terminal prompts disabled",
    'REPOSITORY_DENIED',
  ],
  ["fatal: repository 'https://x/' not found", 'REPOSITORY_DENIED'],
  [
    "fatal: unable to access 'https://x/': The requested URL returned error: 403",
    'REPOSITORY_DENIED',
  ],
  ["fatal: unable to access 'https://x/': Could not resolve host: x", 'REPOSITORY_UNREACHABLE'],
  [
    "fatal: unable to access 'https://x/': The requested URL returned error: 502",
    'REPOSITORY_UNREACHABLE',
  ],
  ['fatal: write error: No space left on device', 'DISK_FULL'],
])('what git says is explained: %s', async (output, code) => {
  const ended = { isDone: false, code: 128, isTimedOut: false, output };
  expect(await codeOf(() => explain(ended, 'https://x/', ''))).toBe(code);
});
