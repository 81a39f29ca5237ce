import { App, Release, Variable } from '../apps/entity.ts';
import { Deployment } from '../deployments/entity.ts';
import { Domain } from '../domains/entity.ts';
import { Project, Environment } from '../projects/entity.ts';
import { Enrollment, Server } from '../servers/entity.ts';
import { newId } from '../store/ids.ts';
import { Client, Token } from '../tokens/entity.ts';
import { Event } from '../audit/entity.ts';
import { Session } from '../accounts/entity.ts';
import { readSettings } from '../apps/settings.ts';
import type { Person, TestPlane } from './plane.ts';

/** The ids and names of one of everything that an organization can hold, by the word that requests use for it. */
export type Everything = Readonly<
  Record<
    | 'app'
    | 'server'
    | 'project'
    | 'environment'
    | 'domain'
    | 'token'
    | 'enrollment'
    | 'event'
    | 'session',
    readonly [id: string, name: string]
  >
>;

/** Makes one of everything in a person's organization, past the rules, and says what it is called. */
export async function makeEverything(
  plane: TestPlane,
  person: Person,
  tag: string,
): Promise<Everything> {
  const em = plane.store.tenant(person.organization);
  const { organization } = person;
  const now = new Date();
  const project = await em.findOneOrFail(Project, { name: 'main' });
  project.name = `project-${tag}`;
  const environment = await em.findOneOrFail(Environment, { project: project.id });
  environment.name = `env-${tag}`;
  const server = em.create(Server, {
    id: newId('srv'),
    organization,
    name: `server-${tag}`,
    publicKey: Buffer.alloc(32, tag).toString('base64'),
    sealingKey: Buffer.alloc(32, 9).toString('base64'),
    sealingKeySignature: Buffer.alloc(64).toString('base64'),
    facts: null,
    ports: [],
    createdAt: now,
    enrolledAt: now,
    lastSeenAt: null,
  });
  const app = em.create(App, {
    id: newId('app'),
    organization,
    name: `app-${tag}`,
    project: project.id,
    environment: environment.id,
    server: server.id,
    repository: 'https://example.com/a.git',
    ref: '',
    directory: '',
    kind: 0,
    settings: readSettings(undefined),
    state: 2,
    stateDetail: '',
    servingRelease: 1,
    keptReleases: [1],
    urls: [],
    variablesVersion: 1,
    deploymentCount: 1,
    createdAt: now,
  });
  em.create(Release, {
    id: newId('rel'),
    organization,
    app: app.id,
    number: 1,
    commit: 'a'.repeat(40),
    commitMessage: '',
    variablesVersion: 1,
    deployment: 1,
    createdAt: now,
  });
  em.create(Variable, {
    id: newId('var'),
    organization,
    app: app.id,
    name: 'SECRET',
    secret: true,
    plain: '',
    sealed: Buffer.alloc(80),
    version: 1,
    fingerprint: '00000000',
    updatedAt: now,
    updatedBy: person.email,
  });
  em.create(Deployment, {
    id: newId('dep'),
    organization,
    app: app.id,
    number: 1,
    kind: 1,
    state: 3,
    ref: '',
    commit: 'a'.repeat(40),
    commitMessage: '',
    release: 1,
    releaseBefore: 0,
    releaseAfter: 1,
    variablesVersion: 1,
    steps: [],
    failure: null,
    requester: { person: person.email, client: '', token: '' },
    reason: '',
    createdAt: now,
    startedAt: now,
    endedAt: now,
  });
  const domain = em.create(Domain, {
    id: newId('dom'),
    organization,
    app: app.id,
    hostname: `${tag}.example.com`,
    state: 2,
    detail: '',
    createdAt: now,
  });
  const enrollment = em.create(Enrollment, {
    id: newId('enr'),
    organization,
    server: server.id,
    tokenPublicKey: '',
    state: 1,
    usedFrom: '',
    lastFailure: '',
    createdAt: now,
    expiresAt: new Date(now.getTime() + 60_000),
  });
  await em.flush();
  await person.token('api');
  const token = await em.findOneOrFail(Token, { organization });
  em.create(Client, {
    id: newId('cli'),
    organization,
    token: token.id,
    name: `client-${tag}`,
    version: '1',
    firstSeenAt: now,
    lastSeenAt: now,
    lastTool: '',
  });
  await em.flush();
  const event = (await em.find(Event, {}))[0];
  const session = await em.findOneOrFail(Session, { organization });
  return {
    app: [app.id, app.name],
    server: [server.id, server.name],
    project: [project.id, project.name],
    environment: [environment.id, environment.name],
    domain: [domain.id, domain.hostname],
    token: [token.id, token.name],
    enrollment: [enrollment.id, enrollment.id],
    event: [event?.id ?? '', event?.id ?? ''],
    session: [session.id, session.id],
  };
}
