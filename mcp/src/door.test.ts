import { request } from 'node:http';
import { createRouterTransport } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHouse, type House } from '../testing/house.ts';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

/** Posts with headers that fetch would not let through, such as host. */
function post(path: string, headers: Record<string, string>, body = list): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    };
    const req = request(`${house.url}${path}`, { method: 'POST', headers: all }, (res) => {
      let text = '';
      res.on('data', (chunk: Buffer) => (text += chunk.toString()));
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }),
      );
    });
    req.on('error', reject);
    req.end(body);
  });
}

const good = { authorization: 'Bearer sfp_good' };

describe.each(['/mcp', '/mcp/token', '/sse', '/messages'])('%s', (path) => {
  it.each([
    ['no token', {}],
    ['another scheme', { authorization: 'Basic c2ZwX2dvb2Q=' }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['an unknown token', { authorization: 'Bearer sfp_unknown' }],
  ])('answers 401 in JSON to %s', async (_what, headers) => {
    const answer = await post(path, headers as Record<string, string>);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(JSON.parse(answer.body)).toMatchObject({
      error: { reason: expect.stringMatching(/NOT_SIGNED_IN|BAD_TOKEN/), next: expect.any(String) },
    });
  });

  it.each([
    ['a foreign host', { host: 'evil.example' }],
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['the origin of a deployed app', { origin: 'http://shop.localhost:7380' }],
    ['an opaque origin', { origin: 'null' }],
  ])('refuses %s even with a good token', async (_what, headers) => {
    const answer = await post(path, { ...good, ...(headers as Record<string, string>) });
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('BAD_ORIGIN');
    expect(house.api.calls).toEqual([]);
  });
});

it('lets loopback and the public address through, as host and as origin', async () => {
  for (const name of ['127.0.0.1:1', 'localhost', '[::1]:7300', 'serverflow.example']) {
    const answer = await post('/mcp', { ...good, host: name, origin: `http://${name}` });
    expect(answer.status).toBe(200);
  }
});

it('takes only tokens of ours at /mcp/token', async () => {
  house.api.tokens.set('other', { permissions: [], toolsets: [] });
  const answer = await post('/mcp/token', { authorization: 'Bearer other' });
  expect(answer.status).toBe(401);
  expect(answer.body).toContain('sfp_');
});

it('never echoes a token', async () => {
  const answer = await post('/mcp', { authorization: 'Bearer sfp_very_secret_one' });
  expect(answer.body + JSON.stringify(house.events)).not.toContain('sfp_very_secret_one');
});

it('refuses a body over 1 MiB and takes one just below', async () => {
  const pad = (size: number) => list.replace('{}', `{"_meta":{"pad":"${'x'.repeat(size)}"}}`);
  expect((await post('/mcp', good, pad(1024 * 1024))).status).toBe(413);
  expect((await post('/mcp', good, pad(1024 * 1024 - 200))).status).toBe(200);
});

it('is neither stored nor buffered on the way', async () => {
  const { headers } = await post('/mcp', good);
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['x-accel-buffering']).toBe('no');
});

it('leaves every other path to the server', async () => {
  for (const path of ['/.well-known/oauth-protected-resource', '/mcp/other', '/', '/ssé']) {
    const answer = await post(encodeURI(path), good);
    expect(answer.status).toBe(404);
  }
});

it('answers garbage with an error and stays up', async () => {
  for (const body of ['', '{', '[]', 'null', '{"jsonrpc":"2.0"}']) {
    const { status } = await post('/mcp', good, body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  }
  expect((await post('/mcp', good)).status).toBe(200);
});

it('lists no more than the token may use', async () => {
  house.api.tokens.set('sfp_poor', { permissions: [3], toolsets: [1, 2] });
  const { body } = await post('/mcp', { authorization: 'Bearer sfp_poor' });
  const data = /data: (.*)/.exec(body)?.[1] ?? body;
  const { result } = JSON.parse(data) as { result: { tools: { name: string }[] } };
  expect(result.tools.map(({ name }) => name)).toEqual(['get_server', 'list_servers']);
});

it('says that the control plane is not there when it cannot be asked', async () => {
  await house.close();
  house = await openHouse({
    connect: () => createRouterTransport(() => undefined),
  });
  const answer = await post('/mcp', good);
  expect(answer.status).toBe(503);
  expect(JSON.parse(answer.body)).toMatchObject({ error: { reason: 'UNIMPLEMENTED' } });
});
