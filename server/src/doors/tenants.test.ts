import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { Code, ConnectError, createConnectRouter } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ProblemSchema, Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { Caller } from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { ProjectService } from '@serverflow/gen/es/serverflow/project/v1/project_service_pb';
import { makeEverything, type Everything } from '../testing/everything.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { methodName, policyOf } from './registry.ts';
import { publicRoutes } from './routes.ts';

let plane: TestPlane;
let stranger: Person;
let theirs: Everything;
let secrets: string[];
beforeAll(async () => {
  plane = await startTestPlane({ SERVERFLOW_HEARTBEAT_MS: '100', SERVERFLOW_ORDER_WAIT_MS: '500' });
  const owner = await plane.person();
  await owner.client(ProjectService).createProject({ name: 'seen' });
  theirs = await makeEverything(plane, owner, 'theirs');
  stranger = await plane.person();
  await makeEverything(plane, stranger, 'mine');
  secrets = [
    ...Object.values(theirs).flat(),
    owner.organization,
    owner.email,
    'client-theirs',
  ].filter((text) => text.length > 8);
});
afterAll(() => plane.close());

const router = createConnectRouter();
publicRoutes(router);
const methods = router.handlers.map((handler) => handler.method);

/** The fields of requests that name a resource; every other field that is a name of something new or a setting is filled plainly. */
const names: Readonly<Record<string, keyof Everything>> = {
  app: 'app',
  server: 'server',
  project: 'project',
  environment: 'environment',
  domain: 'domain',
  token: 'token',
  enrollment: 'enrollment',
  event: 'event',
  session: 'session',
};

/** Methods that take no name of anything, so that nothing of another's can be asked for: they may only answer with what is one's own. */
const nameless = new Set([
  'GetSetup',
  'CompleteSetup',
  'GetAccount',
  'CreateSession',
  'ListSessions',
  'GetOrganization',
  'UpdateOrganization',
  'CreateToken',
  'ListTokens',
  'ListClients',
  'RevokeClients',
  'CreateProject',
  'ListProjects',
  'ListServers',
  'ListEvents',
  'WatchEvents',
  'GetOverview',
  'WatchChanges',
]);

/** CreateEnrollment takes the name of a new server: another's name is simply a new one of one's own. */
const makesItsOwn = new Set(['CreateEnrollment']);

test('every method is either nameless or names a resource that this test knows', () => {
  const unknown = methods.filter(
    (method) =>
      !nameless.has(method.name) &&
      !makesItsOwn.has(method.name) &&
      namedFields(method).length === 0,
  );
  expect(unknown.map(methodName)).toEqual([]);
  expect(methods.length).toBeGreaterThan(45);
});

const asked = methods.flatMap((method) => {
  const fields =
    nameless.has(method.name) || makesItsOwn.has(method.name) ? [] : namedFields(method);
  return fields.flatMap((field) =>
    [0, 1].map(
      (form) => [methodName(method), field, form === 0 ? 'id' : 'name', method, form] as const,
    ),
  );
});

// Before the next, whose refusals leave what was asked for in the stranger's own activity.
test.each(
  methods
    .filter((method) => nameless.has(method.name) && policyOf(method).caller !== Caller.ANYONE)
    .map((method) => [methodName(method), method] as const),
)('%s answers with nothing of another organization', async (_name, method) => {
  const answer = await call(method, requestOf(method, {}));
  const text = JSON.stringify(answer, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  for (const secret of secrets) expect(text).not.toContain(secret);
});

test.each(asked)(
  "%s with %s as another organization's %s finds nothing",
  async (_name, field, _form, method, form) => {
    const error = await call(method, requestOf(method, { [field]: theirs[names[field]!][form]! }));
    expect(error, 'it must be refused').toBeInstanceOf(ConnectError);
    const reason = (error as ConnectError).findDetails(ProblemSchema)[0]?.reason;
    expect([reason, (error as ConnectError).code]).toEqual([Reason.NOT_FOUND, Code.NotFound]);
  },
);

test.each(
  methods
    .filter((method) => policyOf(method).caller !== Caller.ANYONE)
    .map((method) => [methodName(method), method] as const),
)('%s refuses whoever is not signed in', async (_name, method) => {
  const answer = await fetch(`${plane.url}/${methodName(method)}`, {
    method: 'POST',
    headers: {
      'content-type':
        method.methodKind === 'unary' ? 'application/json' : 'application/connect+json',
    },
    body: method.methodKind === 'unary' ? '{}' : Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d]),
  });
  expect(await answer.text()).toContain('"code":"unauthenticated"');
});

function namedFields(method: DescMethod): string[] {
  return method.input.fields
    .filter((field) => field.fieldKind === 'scalar' && field.name in names)
    .map((field) => field.name);
}

/** A request that is valid but for whose it is: names given, the rest of what is required filled with what is one's own. */
function requestOf(method: DescMethod, given: Record<string, string>) {
  const message = create(method.input, {} as MessageInitShape<typeof method.input>);
  const into = reflect(method.input, message);
  const filled: Record<string, unknown> = {
    app: 'app-mine',
    server: 'server-mine',
    project: 'project-mine',
    environment: 'env-mine',
    hostname: 'new.example.com',
    name: 'fresh',
    display_name: 'Fresh',
    kind: 1,
    action: 1,
    service: 1,
    ...given,
  };
  for (const field of method.input.fields) {
    if (field.name in given) into.set(field, given[field.name]!);
    else if (
      field.fieldKind === 'scalar' &&
      ['app', 'name', 'hostname', 'server', 'project', 'environment'].includes(field.name) &&
      required(method, field.name)
    )
      into.set(field, filled[field.name] as string);
    else if (field.fieldKind === 'enum' && ['kind', 'action', 'service'].includes(field.name))
      into.set(field, method.name === 'CreateApp' ? 0 : 1);
    else if (field.fieldKind === 'message' && field.name === 'source')
      into.set(
        field,
        reflect(
          field.message,
          create(field.message, { repository: 'https://example.com/a.git' } as never),
        ),
      );
    else if (field.fieldKind === 'list' && field.name === 'names') into.get(field).add('SECRET');
    else if (
      field.fieldKind === 'list' &&
      field.name === 'variables' &&
      field.listKind === 'message'
    )
      into
        .get(field)
        .add(
          reflect(
            field.message,
            create(field.message, { name: 'A', plain: 'b' } as never),
          ) as never,
        );
  }
  return message;
}

function required(method: DescMethod, field: string): boolean {
  return (
    field === 'name' ||
    field === 'hostname' ||
    (field === 'app' &&
      !method.name.startsWith('List') &&
      method.parent.name !== 'MetricService') ||
    (/^(project|environment)$/.test(field) && /Environment|Project|CreateApp/.test(method.name)) ||
    (field === 'server' && /Server|Service/.test(method.name) && method.name !== 'ListServers')
  );
}

/** Calls a method as the stranger; a stream is read for its first messages. */
async function call(method: DescMethod, request: unknown): Promise<unknown> {
  const client = stranger.client(method.parent) as unknown as Record<
    string,
    (
      request: unknown,
      options: { signal: AbortSignal },
    ) => Promise<unknown> & AsyncIterable<unknown>
  >;
  const stop = new AbortController();
  try {
    const answer = client[method.localName]!(request, { signal: stop.signal });
    if (method.methodKind === 'unary') return await answer;
    const first: unknown[] = [];
    for await (const message of answer) {
      first.push(message);
      if (first.length === 2) break;
    }
    return first;
  } catch (thrown) {
    return thrown;
  } finally {
    stop.abort();
  }
}
