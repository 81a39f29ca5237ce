import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientService } from '@serverflow/gen/es/serverflow/access/v1/client_service_pb';
import { TokenKind } from '@serverflow/gen/es/serverflow/access/v1/token_pb';
import { TokenService } from '@serverflow/gen/es/serverflow/access/v1/token_service_pb';
import { AuditService } from '@serverflow/gen/es/serverflow/audit/v1/audit_service_pb';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { Permission } from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { ProjectService } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { clientOf, startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';
import { Token } from './entity.ts';

let plane: TestPlane;
let person: Person;
beforeAll(async () => {
  plane = await startTestPlane();
  person = await plane.person();
});
afterAll(() => plane.close());

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

test('a token is shown once, kept as a digest, and works until it is revoked', async () => {
  const tokens = person.client(TokenService);
  const { token, secret } = await tokens.createToken({ name: 'ci', kind: TokenKind.API });
  expect(secret).toMatch(/^sfp_[\w-]{49}$/);
  expect(JSON.stringify(await plane.store.all().find(Token, {}))).not.toContain(secret);
  const script = clientOf(plane.url, ProjectService, bearer(secret));
  expect((await script.listProjects({})).projects.map((project) => project.name)).toEqual(['main']);
  expect(
    (await tokens.listTokens({})).tokens.find((row) => row.name === 'ci')?.lastUseTime,
  ).toBeDefined();
  await tokens.revokeToken({ token: token!.id });
  expect(await reasonOf(script.listProjects({}))).toBe(Reason.BAD_TOKEN);
});

test('the same request id returns the token without its secret', async () => {
  const tokens = person.client(TokenService);
  const asked = { name: 'once', kind: TokenKind.API, requestId: 'token-1' };
  expect((await tokens.createToken(asked)).secret).not.toBe('');
  expect((await tokens.createToken(asked)).secret).toBe('');
});

test('a plan of a token has no secret either', async () => {
  const planned = await person
    .client(TokenService)
    .createToken({ name: 'planned', kind: TokenKind.API, validateOnly: true });
  expect(planned.secret).toBe('');
  expect(planned.token?.name).toBe('planned');
});

test('no token mints tokens, whatever it holds', async () => {
  const script = await person.script(TokenService);
  expect(await reasonOf(script.createToken({ name: 'x', kind: TokenKind.API }))).toBe(
    Reason.PERSON_REQUIRED,
  );
  expect(await reasonOf(script.listTokens({}))).toBe(Reason.PERSON_REQUIRED);
  const asked = { name: 'greedy', kind: TokenKind.API, permissions: [Permission.TOKENS_MANAGE] };
  expect(await reasonOf(person.client(TokenService).createToken(asked))).toBe(Reason.BAD_GRANT);
});

test('a token opens its own door only', async () => {
  const mcp = clientOf(plane.url, ProjectService, bearer(await person.token('mcp')));
  expect(await reasonOf(mcp.listProjects({}))).toBe(Reason.WRONG_DOOR);
});

test('a token does what it was given, and nothing else', async () => {
  const reader = await person.script(ProjectService, { permissions: [Permission.PROJECTS_READ] });
  expect((await reader.listProjects({})).projects).toHaveLength(1);
  expect(await reasonOf(reader.createProject({ name: 'nope' }))).toBe(Reason.PERMISSION_DENIED);
});

test('a token for one project does not see the others', async () => {
  const projects = person.client(ProjectService);
  const { project } = await projects.createProject({ name: 'scoped' });
  const script = await person.script(ProjectService, { projects: [project!.id] });
  expect((await script.listProjects({})).projects.map((row) => row.name)).toEqual(['scoped']);
  expect(await reasonOf(script.getProject({ project: 'main' }))).toBe(Reason.NOT_FOUND);
});

test('an expiry in the past or beyond a year is refused, and an expired token is none', async () => {
  const tokens = person.client(TokenService);
  const asked = (ms: number) => ({
    name: `e${ms}`,
    kind: TokenKind.API,
    expireTime: timestampFromDate(new Date(Date.now() + ms)),
  });
  expect(await reasonOf(tokens.createToken(asked(-1000)))).toBe(Reason.BAD_GRANT);
  expect(await reasonOf(tokens.createToken(asked(400 * 24 * 3_600_000)))).toBe(Reason.BAD_GRANT);
  const { secret, token } = await tokens.createToken(asked(60_000));
  const em = plane.store.tenant(person.organization);
  (await em.findOneOrFail(Token, token!.id)).expiresAt = new Date(Date.now() - 1);
  await em.flush();
  expect(await reasonOf(clientOf(plane.url, ProjectService, bearer(secret)).listProjects({}))).toBe(
    Reason.BAD_TOKEN,
  );
});

test.each([
  '',
  'Bearer',
  'Bearer x',
  'Basic YTpi',
  `Bearer sfp_${'a'.repeat(43)}`,
  'Bearer sfp_../../etc/passwd',
])('the credential %j is refused, not ignored', async (authorization) => {
  expect(
    await reasonOf(clientOf(plane.url, ProjectService, { authorization }).listProjects({})),
  ).toBe(Reason.BAD_TOKEN);
});

test('revoking a token ends its open streams at once, and stopping all AI clients revokes every mcp token', async () => {
  const { token, secret } = await person
    .client(TokenService)
    .createToken({ name: 'watcher', kind: TokenKind.API });
  const watched = clientOf(plane.url, AuditService, bearer(secret)).watchEvents({});
  const stream = watched[Symbol.asyncIterator]();
  await stream.next();
  const ended = reasonOf(drain(stream));
  const started = Date.now();
  await person.client(TokenService).revokeToken({ token: token!.id });
  expect(await ended).toBe(Reason.BAD_TOKEN);
  expect(Date.now() - started).toBeLessThan(2_000);
  await person.token('mcp');
  await person.token('mcp');
  expect(
    (await person.client(ClientService).revokeClients({})).revokedCount,
  ).toBeGreaterThanOrEqual(2);
});

async function drain(stream: AsyncIterator<unknown>): Promise<void> {
  while (!(await stream.next()).done);
}
