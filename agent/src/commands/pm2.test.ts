import { expect, test } from 'vitest';
import {
  parsePm2List,
  pm2Delete,
  pm2Ecosystem,
  pm2Env,
  pm2Kill,
  pm2List,
  pm2ReloadLogs,
  pm2Start,
} from './pm2.ts';

test.each([
  [pm2Start('/bin/pm2', '/s/a.json'), ['/bin/pm2', 'start', '/s/a.json', '--silent']],
  [pm2Delete('/bin/pm2', 7), ['/bin/pm2', 'delete', '7', '--silent']],
  [pm2List('/bin/pm2'), ['/bin/pm2', 'jlist']],
  [pm2Kill('/bin/pm2'), ['/bin/pm2', 'kill', '--silent']],
  [pm2ReloadLogs('/bin/pm2'), ['/bin/pm2', 'reloadLogs', '--silent']],
])('makes the argv %#', (argv, expected) => {
  expect(argv).toEqual(expected);
});

test('gives PM2 its own home and nothing of the agent’s environment', () => {
  expect(pm2Env('/s/pm2', '/bin')).toEqual({
    PATH: '/bin',
    HOME: '/s/pm2',
    PM2_HOME: '/s/pm2',
    PM2_DISCRETE_MODE: 'true',
    PM2_DISABLE_VERSION_CHECK: 'true',
    NO_COLOR: '1',
  });
});

test('describes one labelled process in fork mode that is started again with growing delays', () => {
  const { apps } = pm2Ecosystem({
    name: 'web.3',
    node: '/bin/node',
    launcher: '/a/launch.ts',
    specFile: '/s/spec.json',
    cwd: '/r',
    stdout: '/l/out',
    stderr: '/l/err',
    pidFile: '/p',
    labels: { SERVERFLOW_APP: 'a', SERVERFLOW_RUN: 'a.3.0' },
  });
  expect(apps).toHaveLength(1);
  expect(apps[0]).toMatchObject({
    name: 'web.3',
    script: '/bin/node',
    args: ['--disable-warning=ExperimentalWarning', '/a/launch.ts', '/s/spec.json'],
    interpreter: 'none',
    exec_mode: 'fork',
    env: { SERVERFLOW_APP: 'a', SERVERFLOW_RUN: 'a.3.0' },
    exp_backoff_restart_delay: 100,
    pmx: false,
    vizion: false,
  });
});

test('reads the list behind banners, and takes no label from a process that has none', () => {
  const list = [
    {
      pm_id: 0,
      name: 'web.3',
      pid: 12,
      pm2_env: {
        status: 'online',
        restart_time: 2,
        exit_code: 7,
        SERVERFLOW_APP: 'a',
        SERVERFLOW_RUN: 'a.3.0',
      },
    },
    { pm_id: 1, name: 'foreign', pid: 13, pm2_env: { status: 'online' } },
    { name: 'broken' },
  ];
  expect(
    parsePm2List(
      `[PM2] Spawning PM2 daemon\n>>>> [x] In-memory PM2 is out-of-date\n${JSON.stringify(list)}\n`,
    ),
  ).toEqual([
    {
      pmId: 0,
      name: 'web.3',
      pid: 12,
      status: 'online',
      restarts: 2,
      exitCode: 7,
      labels: { app: 'a', run: 'a.3.0' },
    },
    {
      pmId: 1,
      name: 'foreign',
      pid: 13,
      status: 'online',
      restarts: 0,
      exitCode: undefined,
      labels: { app: '', run: '' },
    },
  ]);
});

test('says so when there is no list in the answer', () => {
  expect(() => parsePm2List('[PM2] Spawning')).toThrow('something other than its list');
});
