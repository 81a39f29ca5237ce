import { expect, test } from 'vitest';
import { installLocked, installUnlocked, npmEnvironment, runScript } from './npm.ts';

test.each([
  [installLocked('/bin/npm'), ['/bin/npm', 'ci', '--include=dev']],
  [installUnlocked('/bin/npm'), ['/bin/npm', 'install', '--include=dev', '--no-package-lock']],
  [runScript('/bin/npm', 'build'), ['/bin/npm', 'run', '--', 'build']],
  [runScript('/bin/npm', '--version'), ['/bin/npm', 'run', '--', '--version']],
])('%j', (argv, wanted) => {
  expect(argv).toEqual(wanted);
});

test('npm keeps its cache with the app and says nothing to anybody', () => {
  expect(npmEnvironment('/cache')).toMatchObject({
    npm_config_cache: '/cache',
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
  });
});
