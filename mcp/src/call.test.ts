import { create } from '@bufbuild/protobuf';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { Code, ConnectError, createRouterTransport, type Transport } from '@connectrpc/connect';
import { AppSchema, AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import {
  DeploymentState,
  StepName,
  StepState,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { Permission } from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { beforeEach, expect, it } from 'vitest';
import { everyGrant, makeApi, type TestApi } from '../testing/api.ts';
import { callTool } from './call.ts';

let api: TestApi;
beforeEach(() => {
  api = makeApi();
  api.apps.set(
    'shop',
    create(AppSchema, { name: 'shop', state: AppState.SERVING, servingRelease: 4 }),
  );
});

async function call(
  name: string,
  args?: object,
  transport: Transport = api.connect({ token: 'sfp_good' }),
): Promise<CallToolResult & { text: string; bytes: number }> {
  const { result } = await callTool({
    name,
    arguments: args,
    grant: everyGrant,
    transport,
    signal: new AbortController().signal,
    deadlineMs: 5000,
  });
  const [content] = result.content;
  const text = content?.type === 'text' ? content.text : '';
  return { ...result, text, bytes: Buffer.byteLength(JSON.stringify(result)) };
}

it('answers with the same facts as structured content and as short text', async () => {
  const result = await call('get_app', { app: 'shop' });
  expect(result.structuredContent).toMatchObject({
    app: { name: 'shop', state: 'serving', serving_release: 4 },
  });
  expect(result.text).toContain('name: shop');
  expect(result.text).toContain('state: serving');
});

it('shows an empty list as empty and not as a failure', async () => {
  api.apps.clear();
  const result = await call('list_apps');
  expect(result.isError).toBeUndefined();
  expect(result.structuredContent).toMatchObject({ apps: [], next_page_token: '' });
  expect(result.text).toBe('apps: none');
});

it('says which argument is unknown and which was perhaps meant', async () => {
  const result = await call('create_deployment', { app: 'shop', reff: 'main' });
  expect(result.isError).toBe(true);
  expect(result.text).toContain('There is no argument reff.');
  expect(result.text).toContain('Perhaps meant: ref');
  expect(result.structuredContent).toMatchObject({
    error: { reason: 'INVALID_ARGUMENT', retryable: false, nearest: ['ref'] },
  });
  expect(api.calls).toEqual([]);
});

it.each([
  ['an unknown nested argument', { name: 'a', source: { repo: 'x' } }, 'source.repo'],
  ['an unknown enum value', { name: 'a', kind: 'nodejs' }, 'node, static'],
  ['a list where text belongs', { name: ['a'] }, 'name'],
  ['text where an object belongs', { name: 'a', source: 'https://x' }, 'source must be an object'],
  ['a negative count', { name: 'a', settings: { bake_ms: -1 } }, 'bake_ms'],
  ['a list as the arguments', ['a'], 'must be an object'],
])('refuses %s before any call', async (_what, args, said) => {
  const result = await call('create_app', args);
  expect(result.isError).toBe(true);
  expect(result.text).toContain(said);
  expect(api.calls).toEqual([]);
});

it('refuses a secret value and says who may give it', async () => {
  const variables = [{ name: 'KEY', value: 'hunter2' }];
  const result = await call('set_variables', { app: 'shop', variables });
  expect(result.isError).toBe(true);
  expect(result.text).toContain('Ask the person');
  expect(result.text).not.toContain('hunter2');
  expect(api.calls).toEqual([]);
});

it('takes short enum names, null for absent, and both spellings of a field', async () => {
  const result = await call('control_app', { app: 'shop', action: 'restart', validate_only: null });
  expect(result.structuredContent).toMatchObject({ state_before: 'serving' });
  expect((await call('list_apps', { pageSize: 1 })).isError).toBeUndefined();
});

it('turns a problem of the API into what happened, the next call and the nearest names', async () => {
  const result = await call('get_app', { app: 'shpo' });
  expect(result.isError).toBe(true);
  expect(result.structuredContent).toMatchObject({
    error: {
      reason: 'NOT_FOUND',
      message: 'There is no app shpo.',
      retryable: false,
      nearest: ['shop'],
      call: { tool: 'list_apps', arguments: { page_size: 20 } },
    },
  });
  expect(result.text).toContain('Call list_apps {"page_size":20}');
});

it('proposes no call that the client may not make', async () => {
  const { result } = await callTool({
    name: 'search_logs',
    arguments: { app: 'shpo' },
    grant: { ...everyGrant, permissions: [Permission.LOGS_READ] },
    transport: api.connect({ token: 'sfp_good' }),
    signal: new AbortController().signal,
    deadlineMs: 5000,
  });
  expect(result.structuredContent).toMatchObject({ error: { reason: 'NOT_FOUND' } });
  expect(result.structuredContent).not.toHaveProperty('error.call');
});

it('names the nearest tool when there is none of that name', async () => {
  const result = await call('deploy_app');
  expect(result.isError).toBe(true);
  expect(result.text).toContain('There is no tool deploy_app.');
  expect(result.structuredContent).toHaveProperty('error.nearest');
});

it('calls an outage retryable', async () => {
  const down = createRouterTransport(({ service }) => {
    service(DeploymentService, {
      getDeployment: () => {
        throw new ConnectError('not now', Code.Unavailable);
      },
    });
  });
  const result = await call('get_deployment', { app: 'shop' }, down);
  expect(result.structuredContent).toMatchObject({
    error: { reason: 'UNAVAILABLE', retryable: true },
  });
});

it('keeps errors within 1 KiB whatever they quote', async () => {
  const long = 'x'.repeat(5000);
  for (const args of [{ app: long }, { [long]: 1 }, { app: 'a', ref: [long] }]) {
    const result = await call('create_deployment', args);
    expect(result.isError).toBe(true);
    expect(result.bytes).toBeLessThanOrEqual(1024);
  }
});

it('gives each change an id of its own, and keeps the one of the caller', async () => {
  await call('create_deployment', { app: 'shop' });
  await call('create_deployment', { app: 'shop' });
  await call('create_deployment', { app: 'shop', request_id: 'mine' });
  const ids = api.calls.map(({ requestId }) => requestId);
  expect(new Set(ids).size).toBe(3);
  expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(ids[2]).toBe('mine');
});

it('shows fewer apps when a page does not fit 8 KiB, with a token that continues there', async () => {
  for (let index = 0; index < 60; index++) {
    const name = `app-${String(index).padStart(2, '0')}`;
    const urls = [`http://${name}.localhost:7380/${'p'.repeat(150)}`];
    api.apps.set(name, create(AppSchema, { name, state: AppState.SERVING, urls }));
  }
  const seen: string[] = [];
  let token = '';
  do {
    const result = await call('list_apps', { page_token: token });
    expect(result.bytes).toBeLessThanOrEqual(8 * 1024);
    const page = result.structuredContent as { apps: { name: string }[]; next_page_token: string };
    seen.push(...page.apps.map(({ name }) => name));
    token = page.next_page_token;
  } while (token !== '');
  expect(seen).toEqual([...api.apps.keys()]);
});

it('shows 100 log lines of ordinary length, and fewer with a cursor when they are long', async () => {
  api.logLines = Array.from({ length: 250 }, (_, index) => `GET /item/${index} 200 in 3 ms`);
  const ordinary = await call('search_logs', { app: 'shop' });
  expect(ordinary.structuredContent).toHaveProperty('lines.length', 100);

  api.logLines = Array.from({ length: 250 }, (_, index) => `${index} ${'y'.repeat(300)}`);
  const long = await call('search_logs', { app: 'shop' });
  expect(long.bytes).toBeLessThanOrEqual(20 * 1024);
  const { lines, before } = long.structuredContent as {
    lines: { number: number }[];
    before: string;
  };
  expect(lines.at(-1)?.number).toBe(250);
  const older = await call('search_logs', { app: 'shop', before, limit: 1 });
  expect(older.structuredContent).toMatchObject({
    lines: [{ number: (lines[0]?.number ?? 0) - 1 }],
  });
});

it('cuts an answer that cannot be paged, and says what it left out', async () => {
  const step = { name: StepName.BUILD, state: StepState.DONE, detail: 'd'.repeat(400) };
  const big = createRouterTransport(({ service }) => {
    service(DeploymentService, {
      getDeployment: () => ({
        deployment: {
          app: 'shop',
          state: DeploymentState.FAILED,
          steps: Array.from({ length: 60 }, () => step),
          failure: { message: 'm', evidence: Array.from({ length: 300 }, () => 'e'.repeat(3000)) },
        },
      }),
    });
  });
  const result = await call('get_deployment', { app: 'shop' }, big);
  expect(result.bytes).toBeLessThanOrEqual(8 * 1024);
  expect(result.text).toContain('Left out: deployment.steps:');
  expect(result.structuredContent).toHaveProperty('left_out');
});

it('says after a failed deployment what still serves and where to look', async () => {
  const failed = createRouterTransport(({ service }) => {
    service(DeploymentService, {
      getDeployment: () => ({
        deployment: { app: 'shop', number: 5, state: DeploymentState.FAILED, releaseAfter: 4 },
      }),
    });
  });
  const { text } = await call('get_deployment', { app: 'shop' }, failed);
  expect(text).toContain('Release 4 still serves. Next: search_logs {"app":"shop","deployment":5}');
});

it('waits no longer than its own deadline', async () => {
  api.stepMs = 60_000;
  await call('create_deployment', { app: 'shop' });
  const start = performance.now();
  const result = await call('wait_deployment', { app: 'shop' });
  expect(performance.now() - start).toBeLessThan(4500);
  expect(result.structuredContent).toMatchObject({ done: false });
  expect(result.text).toContain('Next: wait_deployment {"app":"shop","number":1}');
});

it('names no next tool that the client may not use', async () => {
  await call('create_deployment', { app: 'shop' });
  const { result } = await callTool({
    name: 'get_deployment',
    arguments: { app: 'shop' },
    grant: { ...everyGrant, permissions: [Permission.APPS_READ] },
    transport: api.connect({ token: 'sfp_good' }),
    signal: new AbortController().signal,
    deadlineMs: 5000,
  });
  expect(JSON.stringify(result)).toContain('wait_deployment');
  expect(JSON.stringify(result)).not.toContain('search_logs');
  expect(JSON.stringify(result)).not.toContain('serverflow://');
});

it('gives up at the deadline and says that trying again may help', async () => {
  const slow = createRouterTransport(({ service }) => {
    service(DeploymentService, { getDeployment: () => new Promise(() => undefined) });
  });
  const { result } = await callTool({
    name: 'get_deployment',
    arguments: { app: 'shop' },
    grant: everyGrant,
    transport: slow,
    signal: new AbortController().signal,
    deadlineMs: 50,
  });
  expect(result.structuredContent).toMatchObject({
    error: { reason: 'DEADLINE_EXCEEDED', retryable: true },
  });
});

it('tells nothing of what failed inside', async () => {
  const broken = createRouterTransport(({ service }) => {
    service(DeploymentService, {
      getDeployment: () => {
        throw new Error('SELECT secret FROM tokens');
      },
    });
  });
  const result = await call('get_deployment', { app: 'shop' }, broken);
  expect(result.isError).toBe(true);
  expect(JSON.stringify(result)).not.toContain('SELECT');
});
