import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { serviceNames } from './public.ts';

const run = promisify(execFile);
let plane: TestPlane;
let person: Person;
let token: string;
beforeAll(async () => {
  plane = await startTestPlane();
  person = await plane.person();
  token = await person.token('api');
});
afterAll(() => plane.close());

const listProjects = 'serverflow.project.v1.ProjectService/ListProjects';
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${plane.url}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });

test('plain curl needs JSON and the token, nothing else', async () => {
  const answer = await post(listProjects, '{}', { authorization: `Bearer ${token}` });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    projects: [{ name: 'main', appCount: 0 }],
    nextPageToken: '',
  });
});

test.each([['connect'], ['grpc'], ['grpcweb']])(
  'buf curl speaks %s without a flag but the token, by reflection',
  async (protocol) => {
    const argv = [
      'curl',
      '--protocol',
      protocol,
      '--http2-prior-knowledge',
      '-H',
      `authorization: Bearer ${token}`,
      '-d',
      '{}',
      `${plane.url}/${listProjects}`,
    ];
    const { stdout } = await run('buf', argv);
    expect(JSON.parse(stdout)).toMatchObject({ projects: [{ name: 'main' }] });
  },
);

test('buf curl lists the services by reflection over HTTP/1.1 as well', async () => {
  const { stdout } = await run('buf', [
    'curl',
    '--list-services',
    '--http2-prior-knowledge',
    plane.url,
  ]);
  expect(stdout.trim().split('\n').toSorted()).toEqual([...serviceNames].toSorted());
});

test('gRPC health answers for the server and each service', async () => {
  const { stdout } = await run('buf', [
    'curl',
    '--http2-prior-knowledge',
    '-d',
    '{"service":"serverflow.app.v1.AppService"}',
    `${plane.url}/grpc.health.v1.Health/Check`,
  ]);
  expect(JSON.parse(stdout)).toEqual({ status: 'SERVING' });
});

test('healthz and readyz answer', async () => {
  expect(await (await fetch(`${plane.url}/healthz`)).json()).toEqual({ status: 'ok' });
  expect(await (await fetch(`${plane.url}/readyz`)).json()).toMatchObject({
    ready: true,
    checks: { database: 'ok' },
  });
});

test.each([
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-authorization-server',
  '/mcp/x',
  '/oauth/token',
  '/webhooks/x',
  '/serverflow.none.v1.None/None',
  '/nothing.txt',
])('%s is 404 as itself, never the page', async (path) => {
  const answer = await fetch(plane.url + path, { headers: { accept: 'text/html' } });
  expect(answer.status).toBe(404);
  expect(answer.headers.get('content-type')).toContain('application/json');
});

test('an unknown JSON field is refused with a reason and a next step, and kept', async () => {
  const answer = await post(listProjects, '{"bogus":1}', { authorization: `Bearer ${token}` });
  expect(answer.status).toBe(400);
  expect(JSON.stringify(await answer.json())).toMatch(/bogus.*REASON_INVALID_ARGUMENT/s);
});

test('a body over 1 MiB is refused', async () => {
  const answer = await post(
    listProjects,
    JSON.stringify({ pageToken: 'x'.repeat(2 * 1024 * 1024) }),
    { authorization: `Bearer ${token}` },
  );
  expect(answer.status).toBeGreaterThanOrEqual(400);
});

test('bytes that are neither protocol end the connection, and the port goes on', async () => {
  await new Promise<void>((resolve) => {
    const socket = connect(plane.port, '127.0.0.1', () =>
      socket.end('\x16\x03\x01\x02\x00nonsense\r\n\r\n'),
    );
    socket.once('close', () => resolve());
    socket.resume();
    socket.on('error', () => {});
  });
  expect((await fetch(`${plane.url}/healthz`)).status).toBe(200);
});
