/** Installs what the lock file says; fails when it does not fit package.json. Development packages come along: builds need them. */
export const installLocked = (npm: string): string[] => [npm, 'ci', '--include=dev'];

/** Installs what package.json asks for, where there is no lock file, and writes none. */
export const installUnlocked = (npm: string): string[] => [
  npm,
  'install',
  '--include=dev',
  '--no-package-lock',
];

/** Runs a script of package.json. */
export const runScript = (npm: string, script: string): string[] => [npm, 'run', '--', script];

/** Settings under which npm asks nothing, reports nothing and keeps everything under one app. */
export const npmEnvironment = (cache: string): Record<string, string> => ({
  npm_config_cache: cache,
  npm_config_update_notifier: 'false',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_progress: 'false',
  npm_config_color: 'false',
  npm_config_yes: 'false',
});
