import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identify } from '../metrics/processes.ts';
import { freePort } from '../testing/desk.ts';
import { ask, startUpstream } from '../testing/front.ts';
import { startLoad } from '../testing/load.ts';
import { embeddedFront } from './embedded.ts';
import type { Front, Site } from './front.ts';
import { nginxFront } from './nginx.ts';

const NGINX = '/usr/sbin/nginx';
const kinds = ['nginx', 'embedded'] as const;

describe.each(kinds)('the %s front', (kind) => {
  const state = mkdtempSync(join(tmpdir(), `sf-${kind}-`));
  const files = join(state, 'site');
  let port: number;
  let front: Front;
  let one: Awaited<ReturnType<typeof startUpstream>>;
  let two: Awaited<ReturnType<typeof startUpstream>>;
  const make = () => {
    const listen = { host: '127.0.0.1', port };
    return kind === 'nginx'
      ? nginxFront({ state, listen, nginx: NGINX })
      : embeddedFront({ state, listen });
  };
  const shop = (to: number, hostnames: string[] = []): Site => ({
    appId: 'a-shop',
    name: 'shop',
    hostnames,
    target: { kind: 'port', port: to },
  });
  const pages = (name: string, spa: boolean): Site => ({
    appId: `a-${name}`,
    name,
    hostnames: [],
    target: { kind: 'files', root: files, spa },
  });
  const pid = () =>
    (JSON.parse(readFileSync(join(state, 'front/process.json'), 'utf8')) as { pid: number }).pid;

  beforeAll(async () => {
    [port, one, two] = [await freePort(), await startUpstream('one'), await startUpstream('two')];
    front = make();
    mkdirSync(join(files, 'docs'), { recursive: true });
    mkdirSync(join(files, '.well-known'));
    writeFileSync(join(files, 'index.html'), '<p>home</p>');
    writeFileSync(join(files, '404.html'), '<p>own 404</p>');
    writeFileSync(join(files, 'about.html'), '<p>about</p>');
    writeFileSync(join(files, 'docs/index.html'), '<p>docs</p>');
    writeFileSync(join(files, 'main.mjs'), 'export {};');
    writeFileSync(join(files, '.env'), 'SECRET=1');
    writeFileSync(join(files, '.well-known/security.txt'), 'Contact: us');
    symlinkSync('/etc/hostname', join(files, 'stolen.txt'));
    symlinkSync('/etc', join(files, 'etc'));
  });
  afterAll(async () => {
    await front.control('stop');
    await Promise.all([one.close(), two.close()]);
    rmSync(state, { recursive: true, force: true });
  });

  test('answers an unknown host name with a page that says what to do', async () => {
    await front.ensure();
    expect(await front.status()).toMatchObject({
      running: true,
      detail: expect.stringContaining(kind),
    });
    const answer = await ask(port, 'nobody.localhost');
    expect(answer.status).toBe(404);
    expect(answer.body).toContain('No app answers here');
  });

  test('serves a program under its name and its domains, and says who asked', async () => {
    await front.apply(shop(one.port, ['shop.example.com']));
    for (const hostname of [
      'shop.localhost',
      'shop.example.com',
      `shop.localhost:${port}`,
      'SHOP.localhost',
    ]) {
      expect(await ask(port, hostname)).toMatchObject({ status: 200, body: 'one' });
    }
    const seen = await ask(port, 'shop.localhost', '/headers', {
      headers: {
        'x-forwarded-for': '192.0.2.7',
        'x-forwarded-host': 'evil.example.com',
        'x-forwarded-port': '443',
        'x-forwarded-proto': 'https',
        'x-real-ip': '192.0.2.7',
      },
    });
    expect(JSON.parse(seen.body)).toMatchObject({
      host: 'shop.localhost',
      'x-forwarded-for': '192.0.2.7, 127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'shop.localhost',
      'x-forwarded-port': String(port),
      'x-real-ip': '127.0.0.1',
    });
  });

  test('takes a large upload and refuses one beyond its bound', async () => {
    const body = Buffer.alloc(5 * 1024 * 1024, 'x');
    expect((await ask(port, 'shop.localhost', '/upload', { method: 'POST', body })).body).toBe(
      String(body.length),
    );
    const tooLarge = await new Promise<number>((resolve, reject) => {
      const headers = { host: 'shop.localhost', 'content-length': String(101 * 1024 * 1024) };
      const sent = request({
        host: '127.0.0.1',
        port,
        path: '/upload',
        method: 'POST',
        headers,
        agent: false,
      });
      sent.on('response', (response) => resolve(response.statusCode ?? 0));
      sent.on('error', reject);
      sent.flushHeaders();
    });
    expect(tooLarge).toBe(413);
  });

  test('keeps a websocket on the old program across a switch, and brings new ones to the new program', async () => {
    const old = await upgrade(port);
    expect(await old.say('before')).toBe('one:before');
    await front.apply(shop(two.port));
    expect(await old.say('after')).toBe('one:after');
    const fresh = await upgrade(port);
    expect(await fresh.say('hello')).toBe('two:hello');
    for (const socket of [old, fresh]) socket.close();
    expect((await ask(port, 'shop.example.com')).status).toBe(404);
  });

  test('loses no request of 50 a second while the target is switched ten times', async () => {
    await front.apply(shop(one.port));
    const load = startLoad({ host: '127.0.0.1', port, hostname: 'shop.localhost', perSecond: 50 });
    for (let turn = 1; turn <= 10; turn += 1) {
      const [to, word] = turn % 2 === 0 ? [one.port, 'one'] : [two.port, 'two'];
      await front.apply(shop(to));
      expect((await ask(port, 'shop.localhost')).body).toBe(word);
      await new Promise((done) => setTimeout(done, 150));
    }
    const result = await load.stop();
    expect(result.failures).toEqual([]);
    expect(result.requests).toBeGreaterThan(50);
    expect([...result.bodies.keys()].sort()).toEqual(['one', 'two']);
    expect(result.retries).toBeLessThan(result.requests / 20);
  }, 60_000);

  test('says so when the program behind it does not answer', async () => {
    await front.apply({
      appId: 'a-dead',
      name: 'dead',
      hostnames: [],
      target: { kind: 'port', port: await freePort() },
    });
    expect(await ask(port, 'dead.localhost')).toMatchObject({
      status: 502,
      body: expect.stringContaining('The app does not answer'),
    });
    await front.remove('a-dead');
    expect((await ask(port, 'dead.localhost')).status).toBe(404);
  });

  test('serves a folder of files with ranges and conditions, and its own page for what is missing', async () => {
    await front.apply(pages('plain', false));
    const home = await ask(port, 'plain.localhost');
    expect(home).toMatchObject({
      status: 200,
      body: '<p>home</p>',
      headers: { 'cache-control': 'no-cache' },
    });
    const etag = String(home.headers.etag);
    expect(
      (await ask(port, 'plain.localhost', '/', { headers: { 'if-none-match': etag } })).status,
    ).toBe(304);
    const part = await ask(port, 'plain.localhost', '/index.html', {
      headers: { range: 'bytes=-4' },
    });
    expect(part).toMatchObject({ status: 206, body: '</p>' });
    expect((await ask(port, 'plain.localhost', '/about')).body).toBe('<p>about</p>');
    expect((await ask(port, 'plain.localhost', '/docs')).body).toBe('<p>docs</p>');
    expect((await ask(port, 'plain.localhost', '/docs/')).body).toBe('<p>docs</p>');
    expect((await ask(port, 'plain.localhost', '/main.mjs')).headers['content-type']).toContain(
      'text/javascript',
    );
    expect((await ask(port, 'plain.localhost', '/.well-known/security.txt')).body).toBe(
      'Contact: us',
    );
    expect(await ask(port, 'plain.localhost', '/nothing')).toMatchObject({
      status: 404,
      body: '<p>own 404</p>',
    });
    expect((await ask(port, 'plain.localhost', '/', { method: 'POST' })).status).toBe(405);
  });

  test.each([
    '/stolen.txt',
    '/etc/hostname',
    '/.env',
    '/../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/a%00b',
  ])('shows nothing outside the folder, no link and no hidden file: %s', async (path) => {
    writeFileSync(join(state, 'secret'), 'SECRET=1');
    const answer = await ask(port, 'plain.localhost', path);
    expect([400, 403, 404]).toContain(answer.status);
    expect(answer.body).not.toContain('SECRET');
    expect(answer.body.trim()).not.toBe(readFileSync('/etc/hostname', 'utf8').trim());
  });

  test('answers with the single page of an app that routes in the browser', async () => {
    await front.apply(pages('spa', true));
    expect(await ask(port, 'spa.localhost', '/users/7')).toMatchObject({
      status: 200,
      body: '<p>home</p>',
    });
    await front.remove('a-spa');
    await front.remove('a-plain');
  });

  test.each([
    ['a host name with a directive', shop(1, ['x.com; return 200']), 'host name'],
    ['a host name with a variable', shop(1, ['$host.com']), 'host name'],
    ['a host name with a line break', shop(1, ['a.com\nb.com']), 'host name'],
    ['a wildcard', shop(1, ['*.com']), 'host name'],
    ['a bad name', { ...shop(1), name: 'a b' }, 'name'],
    ['a bad id', { ...shop(1), appId: '../../x' }, 'app id'],
    ['a bad port', shop(70_000), 'port'],
    [
      'a folder with a quote',
      { ...shop(1), target: { kind: 'files', root: '/a";', spa: false } },
      'folder',
    ],
    [
      'a folder with a variable',
      { ...shop(1), target: { kind: 'files', root: '/a/$uri', spa: false } },
      'folder',
    ],
    ['a host name of another app', { ...shop(1), appId: 'a-thief' }, 'already'],
  ] satisfies [string, Site, string][])('refuses %s and serves on', async (_what, site, reason) => {
    await expect(front.apply(site)).rejects.toThrow(reason);
    expect(await front.sites()).toEqual([shop(one.port)]);
    expect((await ask(port, 'shop.localhost')).body).toBe('one');
  });

  test('is found again by a new agent, and started again when it was killed', async () => {
    const before = pid();
    front = make();
    await front.ensure();
    expect(pid()).toBe(before);
    process.kill(before, 'SIGKILL');
    while (identify(before) !== undefined) await new Promise((done) => setTimeout(done, 10));
    expect((await front.status()).running).toBe(false);
    // The workers of a killed nginx master end by themselves, and hold the port until then.
    await front.ensure();
    expect((await ask(port, 'shop.localhost')).body).toBe('one');
  }, 30_000);

  test('an order stops it, refuses changes meanwhile, and starts it with the same sites', async () => {
    await front.control('stop');
    expect(await front.status()).toMatchObject({
      running: false,
      detail: expect.stringContaining('by an order'),
    });
    await expect(front.apply(shop(two.port))).rejects.toThrow('ControlService FRONT START');
    await front.control('start');
    await front.control('reload');
    await front.control('restart');
    expect((await ask(port, 'shop.localhost')).body).toBe('one');
  }, 30_000);

  test('says why when its address is taken', async () => {
    const taken = { host: '127.0.0.1', port: one.port };
    const elsewhere = mkdtempSync(join(tmpdir(), 'sf-taken-'));
    const other =
      kind === 'nginx'
        ? nginxFront({ state: elsewhere, listen: taken, nginx: NGINX })
        : embeddedFront({ state: elsewhere, listen: taken });
    await expect(other.ensure()).rejects.toThrow(/in use/i);
    rmSync(elsewhere, { recursive: true, force: true });
  }, 30_000);
});

/** Opens an upgraded connection to the shop and says things on it. */
async function upgrade(
  port: number,
): Promise<{ say(text: string): Promise<string>; close(): void }> {
  const socket = connect(port, '127.0.0.1');
  const next = () =>
    new Promise<string>((resolve, reject) => {
      socket.once('data', (chunk) => resolve(chunk.toString()));
      socket.once('close', () => reject(new Error('the connection was closed')));
    });
  const head = next();
  socket.write(
    'GET /socket HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  expect(await head).toContain('101');
  return {
    say(text) {
      const said = next();
      socket.write(text);
      return said;
    },
    close: () => socket.destroy(),
  };
}
