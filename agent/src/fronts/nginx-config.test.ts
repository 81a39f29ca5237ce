import { expect, test } from 'vitest';
import { nginxRun, nginxTest } from '../commands/nginx.ts';
import { nginxMain, nginxSite } from './nginx-config.ts';

test('runs nginx on its own prefix, and tests it on the same', () => {
  const argv = [
    '/usr/sbin/nginx',
    '-p',
    '/s/front/nginx',
    '-c',
    'nginx.conf',
    '-e',
    'logs/error.log',
  ];
  expect(nginxRun('/usr/sbin/nginx', '/s/front/nginx')).toEqual(argv);
  expect(nginxTest('/usr/sbin/nginx', '/s/front/nginx')).toEqual([...argv, '-t', '-q']);
});

test('writes the site of a program with websockets, the client’s address, and a spare only where there is one', () => {
  const shop = { appId: 'a', name: 'shop', hostnames: ['shop.example.com'] };
  const listen = '127.0.0.1:7380';
  const text = nginxSite({ ...shop, target: { kind: 'port', port: 4000 } }, listen);
  expect(text).toContain('server_name shop.localhost shop.example.com;');
  expect(text).toContain('upstream app_a {\n  server 127.0.0.1:4000;\n}');
  const spared = nginxSite({ ...shop, target: { kind: 'port', port: 4000, spare: 3000 } }, listen);
  expect(spared).toContain('server 127.0.0.1:4000;\n  server 127.0.0.1:3000 backup;\n}');
  expect(text).toContain('proxy_pass http://app_a;');
  expect(text).toContain('proxy_set_header Upgrade $http_upgrade;');
  expect(text).toContain('proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;');
  expect(nginxMain(listen, 3, false)).toContain('proxy_next_upstream error;');
});

test('writes the site of a folder without following links', () => {
  const text = nginxSite(
    {
      appId: 'a',
      name: 'docs',
      hostnames: [],
      target: { kind: 'files', root: '/r/dist', spa: false },
    },
    '127.0.0.1:7380',
  );
  expect(text).toContain('root "/r/dist";');
  expect(text).toContain('disable_symlinks on from="/r/dist";');
  expect(text).not.toContain('proxy_pass');
});

test('keeps everything in its prefix, and names a user only for root', () => {
  const text = nginxMain('127.0.0.1:7380', 3, false);
  expect(text).not.toContain('user root;');
  expect(nginxMain('127.0.0.1:7380', 3, true)).toContain('user root;');
  const paths = [
    ...text.matchAll(/^\s*(?:pid|error_log|access_log|\w+_temp_path|include) (\S+?)[ ;]/gm),
  ].map((found) => found[1]);
  expect(paths.length).toBeGreaterThan(7);
  expect(paths.filter((path) => path?.startsWith('/'))).toEqual([]);
});
