import {
  connect as connectHttp2,
  createServer,
  type ClientHttp2Session,
  type Http2Server,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { create } from '@bufbuild/protobuf';
import { AppSchema } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import {
  DeploymentSchema,
  DeploymentState,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeApi, type TestApi } from '../testing/api.ts';
import { connectClient, openHouse, type House } from '../testing/house.ts';
import { createMcp } from './main.ts';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const headers = { authorization: 'Bearer sfp_good' };
const init = { requestInit: { headers } };

async function connectSse(): Promise<Client> {
  const client = new Client({ name: 'old-client', version: '1.0' });
  const withToken = (url: string | URL, options: RequestInit = {}) =>
    fetch(url, {
      ...options,
      headers: { ...Object.fromEntries(new Headers(options.headers)), ...headers },
    });
  const transport = new SSEClientTransport(new URL(`${house.url}/sse`), {
    ...init,
    eventSourceInit: { fetch: withToken },
  });
  await client.connect(transport);
  return client;
}

async function until(isSo: () => boolean, deadlineMs = 2000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!isSo()) {
    if (Date.now() > end) throw new Error('It did not come about in time.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it('serves an SSE client: tools, a deployment with progress, its name', async () => {
  const client = await connectSse();
  const { tools } = await client.listTools();
  expect(tools.length).toBe(16);
  await client.callTool({
    name: 'create_app',
    arguments: { name: 'shop', source: { repository: 'https://git.example/shop.git' } },
  });
  await client.callTool({ name: 'create_deployment', arguments: { app: 'shop' } });
  const heard: string[] = [];
  const ended = await client.callTool(
    { name: 'wait_deployment', arguments: { app: 'shop' } },
    undefined,
    { onprogress: ({ message }) => heard.push(message ?? '') },
  );
  expect(ended.structuredContent).toMatchObject({ done: true });
  expect(heard.join()).toMatch(/build done in/);
  expect(house.api.calls.find(({ method }) => method === 'CreateApp')?.client).toBe(
    'old-client/1.0',
  );
  await client.close();
});

it('serves the older official client over streamable HTTP', async () => {
  const client = new Client({ name: 'old-client', version: '1.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${house.url}/mcp`), init));
  const result = await client.callTool({ name: 'get_app', arguments: { app: 'none' } });
  expect(result.isError).toBe(true);
  await client.close();
});

it('takes a message for a stream only with the token that opened it', async () => {
  house.api.tokens.set('sfp_other', { permissions: [], toolsets: [] });
  const stream = await fetch(`${house.url}/sse`, { headers });
  const reader = stream.body!.getReader();
  const { value } = await reader.read();
  const [, address = ''] = /data: (\S+)/.exec(new TextDecoder().decode(value)) ?? [];
  const post = (token: string, body: string) =>
    fetch(`${house.url}${address}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
    });
  const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  expect((await post('sfp_other', ping)).status).toBe(404);
  expect((await post('sfp_good', ping)).status).toBe(202);
  expect((await post('sfp_good', '{"not":"rpc"}')).status).toBe(400);
  await reader.cancel();
});

it('keeps a silent stream alive with comments', async () => {
  const stream = await fetch(`${house.url}/sse`, { headers });
  expect(stream.headers.get('x-accel-buffering')).toBe('no');
  const reader = stream.body!.getReader();
  let text = '';
  while (!/(: keep-alive\n\n.*){2}/s.test(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error('The stream ended.');
    text += new TextDecoder().decode(value);
  }
  await reader.cancel();
});

it('does not know /sse and /messages when they are off', async () => {
  await house.close();
  house = await openHouse({ sse: false });
  expect((await fetch(`${house.url}/sse`, { headers })).status).toBe(404);
  expect((await fetch(`${house.url}/messages`, { headers, method: 'POST' })).status).toBe(404);
});

it('ends an open stream soon after its token is revoked', async () => {
  const stream = await fetch(`${house.url}/sse`, { headers });
  let isOpen = true;
  const drained = (async () => {
    for await (const chunk of stream.body!) void chunk;
  })();
  drained.catch(() => undefined).finally(() => (isOpen = false));
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(isOpen).toBe(true);
  house.api.tokens.delete('sfp_good');
  await until(() => !isOpen);
});

it.each(['2026-07-28', '2025-11-25'] as const)(
  'ends a waiting call of the era %s soon after its token is revoked',
  async (era) => {
    const client = await connectClient(`${house.url}/mcp`, era);
    await client.callTool({
      name: 'create_app',
      arguments: { name: 'shop', source: { repository: 'https://git.example/shop.git' } },
    });
    house.api.stepMs = 60_000;
    await client.callTool({ name: 'create_deployment', arguments: { app: 'shop' } });
    let hasEnded = false;
    const call = client.callTool(
      { name: 'wait_deployment', arguments: { app: 'shop' } },
      { timeout: 10_000, onprogress: () => undefined },
    );
    call.catch(() => undefined).finally(() => (hasEnded = true));
    await until(() => house.api.calls.some(({ method }) => method === 'WaitDeployment'));
    house.api.tokens.delete('sfp_good');
    await until(() =>
      house.events.some((event) => 'event' in event && event.event === 'mcp_revoked'),
    );
    await client.close();
    await until(() => hasEnded);
    expect(house.api.calls.some(({ method }) => method === 'WatchDeployment')).toBe(true);
  },
);

it('ends the call of the API when the client goes away, over HTTP/1.1 and HTTP/2', async () => {
  const { api } = house;
  const wait = waitCall(api);
  const going = new AbortController();
  const gone = fetch(`${house.url}/mcp`, {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: wait,
    signal: going.signal,
  }).catch(() => undefined);
  await until(() => api.waiting === 1);
  going.abort();
  await gone;
  await until(() => api.waiting === 0);

  const mcp = createMcp({
    connect: api.connect,
    publicUrl: house.url,
    version: '1',
    sse: true,
    log: () => undefined,
  });
  const server = createServer((req, res) => void mcp.handle(req, res));
  const session = await openHttp2(server);
  const left = ask(session, { ':method': 'POST', ':path': '/mcp' }, wait);
  await until(() => api.waiting === 1);
  session.destroy();
  await left;
  await until(() => api.waiting === 0);
  await mcp.close();
  await new Promise((resolve) => server.close(resolve));
  expect((await fetch(`${house.url}/mcp`, { headers })).status).toBe(405);
});

/** Leaves an app with a deployment that does not end, and returns the message of a client that waits for it. */
function waitCall(api: TestApi): string {
  api.apps.set('shop', create(AppSchema, { name: 'shop' }));
  api.deployments.push(
    create(DeploymentSchema, { app: 'shop', number: 1, state: DeploymentState.RUNNING }),
  );
  return JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'wait_deployment', arguments: { app: 'shop' } },
  });
}

it('answers over HTTP/2 as over HTTP/1.1', async () => {
  const api = makeApi();
  const mcp = createMcp({
    connect: api.connect,
    publicUrl: 'http://serverflow.example',
    version: '1',
    sse: true,
    log: () => undefined,
    recheckMs: 50,
  });
  const server = createServer((req, res) => void mcp.handle(req, res));
  const session = await openHttp2(server);
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
  const listed = await ask(session, { ':method': 'POST', ':path': '/mcp' }, body);
  expect(listed.status).toBe(200);
  expect(listed.text).toContain('create_deployment');
  const nobody = await ask(session, { ':path': '/mcp', authorization: 'Bearer nobody' });
  expect(nobody.status).toBe(401);
  const revoked = await ask(session, { ':path': '/sse' }, '', (text) => {
    if (text.includes('event: endpoint')) api.tokens.clear();
  });
  expect(revoked.status).toBe(200);
  await mcp.close();
  session.destroy();
  await new Promise((resolve) => server.close(resolve));
});

async function openHttp2(server: Http2Server): Promise<ClientHttp2Session> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function ask(
  session: ClientHttp2Session,
  more: Record<string, string>,
  body = '',
  onText: (text: string) => void = () => undefined,
): Promise<{ status: number; text: string }> {
  const stream = session.request({
    ...headers,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...more,
  });
  let status = 0;
  let text = '';
  stream.on('response', (given) => (status = given[':status'] ?? 0));
  stream.on('data', (chunk: Buffer) => onText((text += chunk.toString())));
  if (body) stream.end(body);
  return new Promise((resolve) =>
    stream.on('close', () => resolve({ status, text })).on('error', () => undefined),
  );
}
