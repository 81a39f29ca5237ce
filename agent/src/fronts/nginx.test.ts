import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../testing/desk.ts';
import { ask, startUpstream } from '../testing/front.ts';
import type { Site } from './front.ts';
import { nginxFront } from './nginx.ts';

test('puts the old site back when nginx refuses the new one', async () => {
  const state = mkdtempSync(join(tmpdir(), 'sf-refused-'));
  const listen = { host: '127.0.0.1', port: await freePort() };
  const front = nginxFront({ state, listen, nginx: '/usr/sbin/nginx' });
  const upstream = await startUpstream('old');
  const shop = (port: number): Site => ({
    appId: 'a-shop',
    name: 'shop',
    hostnames: [],
    target: { kind: 'port', port },
  });
  try {
    await front.apply(shop(upstream.port));
    // A program that refuses every configuration, over the same files.
    const refusing = nginxFront({ state, listen, nginx: '/bin/false' });
    await expect(refusing.apply(shop(4000))).rejects.toThrow('nginx refuses');
    expect(await front.sites()).toEqual([shop(upstream.port)]);
    const file = readFileSync(join(state, 'front/nginx/sites/a-shop.conf'), 'utf8');
    expect(file).toContain(`:${upstream.port};`);
    await front.control('reload');
    expect((await ask(listen.port, 'shop.localhost')).body).toBe('old');
  } finally {
    await front.control('stop');
    await upstream.close();
    rmSync(state, { recursive: true, force: true });
  }
}, 30_000);
