import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type Client, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import type { DescService } from '@bufbuild/protobuf';
import { Permission, PermissionSchema } from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { Member, Organization, Session, User } from '../accounts/entity.ts';
import { readConfig } from '../config.ts';
import { startControlPlane, type ControlPlane } from '../control-plane.ts';
import { secretHash, sessionCookie } from '../guard/caller.ts';
import { createProject } from '../projects/projects.ts';
import { newId } from '../store/ids.ts';
import { Token } from '../tokens/entity.ts';

/** A person of a test's organization, and how they call. */
export type Person = {
  readonly organization: string;
  readonly user: string;
  readonly email: string;
  /** A client that calls with the person's session. */
  readonly client: <S extends DescService>(service: S) => Client<S>;
  /** A client that calls with a fresh api token. */
  readonly script: <S extends DescService>(service: S, scope?: TokenScope) => Promise<Client<S>>;
  /** Makes a token and returns its secret. */
  readonly token: (kind: 'api' | 'mcp', scope?: TokenScope) => Promise<string>;
};

/** The limits of a test's token; everything by default. */
export type TokenScope = {
  permissions?: Permission[];
  projects?: string[];
  environments?: string[];
  toolsets?: number[];
};

/** A real control plane on a free loopback port with a folder of its own, for tests. */
export type TestPlane = ControlPlane & {
  readonly url: string;
  /** Makes an organization with an owner and a session, past the pages. */
  readonly person: (email?: string) => Promise<Person>;
};

/** Starts a control plane for a test; extra environment variables go over short defaults. */
export async function startTestPlane(env: NodeJS.ProcessEnv = {}): Promise<TestPlane> {
  const data = mkdtempSync(join(tmpdir(), 'serverflow-plane-'));
  const config = readConfig({
    SERVERFLOW_LISTEN: '127.0.0.1:0',
    SERVERFLOW_DATA: data,
    SERVERFLOW_LOG_LEVEL: 'silent',
    SERVERFLOW_RECHECK_MS: '100',
    ...env,
  });
  const plane = await startControlPlane(config);
  const url = `http://127.0.0.1:${plane.port}`;
  return {
    ...plane,
    url,
    person: (email) =>
      makePerson(plane, url, email ?? `person-${randomBytes(4).toString('hex')}@example.com`),
    async close() {
      await plane.close();
      if (!env['SERVERFLOW_DATA']) rmSync(data, { recursive: true, force: true });
    },
  };
}

async function makePerson(plane: ControlPlane, url: string, email: string): Promise<Person> {
  const [organization, user, secret, now] = [
    newId('org'),
    newId('usr'),
    randomBytes(32).toString('base64url'),
    new Date(),
  ];
  const em = plane.store.tenant(organization);
  em.create(Organization, { id: organization, displayName: 'Home', createdAt: now });
  em.create(User, { id: user, email, displayName: 'Test', passwordHash: '', createdAt: now });
  em.create(Member, { id: newId('mem'), organization, user, role: 'owner', createdAt: now });
  em.create(Session, {
    id: newId('ses'),
    organization,
    user,
    secretHash: secretHash(secret),
    createdAt: now,
    lastUsedAt: now,
    expiresAt: new Date(now.getTime() + 3_600_000),
    address: '127.0.0.1',
    userAgent: 'test',
  });
  await createProject(em, organization, {
    name: 'main',
    displayName: '',
    environment: 'production',
  });
  await em.flush();
  const token = (kind: 'api' | 'mcp', scope: TokenScope = {}) =>
    makeToken(plane, organization, user, kind, scope);
  return {
    organization,
    user,
    email,
    client: (service) =>
      clientOf(url, service, {
        cookie: `${sessionCookie}=${secret}`,
      }),
    script: async (service, scope) =>
      clientOf(url, service, { authorization: `Bearer ${await token('api', scope)}` }),
    token,
  };
}

async function makeToken(
  plane: ControlPlane,
  organization: string,
  user: string,
  kind: 'api' | 'mcp',
  scope: TokenScope,
): Promise<string> {
  const secret = `sfp_${randomBytes(32).toString('base64url')}`;
  const all = PermissionSchema.values
    .map((value) => value.number)
    .filter((number) => number !== Permission.UNSPECIFIED);
  const em = plane.store.tenant(organization);
  em.create(Token, {
    id: newId('tok'),
    organization,
    name: `test-${randomBytes(3).toString('hex')}`,
    kind: kind === 'mcp' ? 2 : 1,
    permissions: scope.permissions ?? all,
    projects: scope.projects ?? [],
    environments: scope.environments ?? [],
    toolsets: scope.toolsets ?? [1],
    secretHash: secretHash(secret),
    hint: secret.slice(0, 8),
    createdBy: user,
    createdAt: new Date(),
    expiresAt: new Date(Date.now() + 3_600_000),
    lastUsedAt: null,
    revokedAt: null,
  });
  await em.flush();
  return secret;
}

/** A Connect client of a service that sends the given headers. */
export function clientOf<S extends DescService>(
  url: string,
  service: S,
  headers: Record<string, string>,
): Client<S> {
  const send: Interceptor = (next) => (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    return next(request);
  };
  return createClient(
    service,
    createConnectTransport({ baseUrl: url, httpVersion: '1.1', interceptors: [send] }),
  );
}
