import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../testing/desk.ts';
import { ask, startUpstream } from '../testing/front.ts';
import { embeddedFront } from './embedded.ts';
import type { Front, Site } from './front.ts';
import { nginxFront } from './nginx.ts';

describe.each(['nginx', 'embedded'] as const)('while a release bakes, the %s front', (kind) => {
  const state = mkdtempSync(join(tmpdir(), `sf-spare-${kind}-`));
  let port: number;
  let front: Front;
  let old: Awaited<ReturnType<typeof startUpstream>>;
  // A program that takes each request and ends the connection without an answer, as one does that crashes.
  const asked: string[] = [];
  const crashing = createServer((request) => {
    asked.push(`${request.method} ${request.url}`);
    request.socket.destroy();
  });
  const site = (to: number, spare?: number): Site => ({
    appId: 'a-shop',
    name: 'shop',
    hostnames: [],
    target: { kind: 'port', port: to, ...(spare === undefined ? {} : { spare }) },
  });

  beforeAll(async () => {
    [port, old] = [await freePort(), await startUpstream('old')];
    await new Promise<void>((done) => crashing.listen(0, '127.0.0.1', done));
    const listen = { host: '127.0.0.1', port };
    front =
      kind === 'nginx'
        ? nginxFront({ state, listen, nginx: '/usr/sbin/nginx' })
        : embeddedFront({ state, listen });
  });
  afterAll(async () => {
    await front.control('stop');
    crashing.close();
    await old.close();
    rmSync(state, { recursive: true, force: true });
  });
  const crashingPort = () => (crashing.address() as AddressInfo).port;

  test('sends nothing to the old release twice that may have had an effect', async () => {
    await front.apply(site(crashingPort(), old.port));
    const answer = await ask(port, 'shop.localhost', '/order', { method: 'POST' });
    expect(answer.status).toBe(502);
    expect(asked).toEqual(['POST /order']);
  });

  test('has a GET answered by the old release when the new one crashes on it', async () => {
    await front.apply(site(crashingPort(), old.port));
    expect(await ask(port, 'shop.localhost', '/page')).toMatchObject({ status: 200, body: 'old' });
  });

  test('has a GET answered by the old release when the new one listens no longer', async () => {
    await front.apply(site(await freePort(), old.port));
    for (let times = 0; times < 5; times += 1)
      expect(await ask(port, 'shop.localhost')).toMatchObject({ status: 200, body: 'old' });
  });

  test('asks no other release once there is no spare', async () => {
    await front.apply(site(await freePort()));
    expect((await ask(port, 'shop.localhost')).status).toBe(502);
  });
});
