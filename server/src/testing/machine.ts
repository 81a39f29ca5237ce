import { randomBytes } from 'node:crypto';
import {
  generateSealingKey,
  generateSigningKey,
  signSealingKey,
  type SealingKey,
} from '@serverflow/agent/envelope';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import type { Hearing } from '../fleet/hearing.ts';
import { changesTopic } from '../live.ts';
import { Server, type FactsColumn } from '../servers/entity.ts';
import { newId } from '../store/ids.ts';
import type { Person, TestPlane } from './plane.ts';

/** An enrolled server of a test, past the ceremony: its row, the key its agent would hold, and a way to report as it. */
export type Machine = {
  readonly id: string;
  readonly name: string;
  readonly sealingKey: SealingKey;
  /** Runs a noun's hear… function as when this server's agent reports: in one transaction, with its hooks after the commit. */
  readonly report: (work: (hearing: Hearing) => Promise<void>) => Promise<void>;
};

/** Makes an enrolled server that is not connected. */
export async function addMachine(
  plane: TestPlane,
  person: Person,
  name = 'local',
  policy: Partial<FactsColumn> = {},
): Promise<Machine> {
  const [identity, sealingKey] = [generateSigningKey(), generateSealingKey()];
  const em = plane.store.tenant(person.organization);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const row = em.create(Server, {
    id: newId('srv'),
    organization: person.organization,
    name,
    publicKey: base64(identity.publicKey),
    sealingKey: base64(sealingKey.publicKey),
    sealingKeySignature: base64(signSealingKey(identity, sealingKey.publicKey)),
    facts: { ...facts, ...policy },
    ports: [],
    createdAt: new Date(),
    enrolledAt: new Date(),
    lastSeenAt: new Date(),
  });
  await em.flush();
  return {
    id: row.id,
    name,
    sealingKey,
    report: (work) => report(plane, row.id, work),
  };
}

async function report(
  plane: TestPlane,
  id: string,
  work: (hearing: Hearing) => Promise<void>,
): Promise<void> {
  const hooks: (() => void)[] = [];
  await plane.store.all().transactional(async (em) => {
    const server = await em.findOneOrFail(Server, id);
    const { organization } = server;
    await work({
      em,
      server,
      live: plane.live,
      changed: (kind, thing, name) => {
        const change = { organization, kind, id: thing, name };
        hooks.push(() => plane.live.publish(changesTopic(organization), change));
      },
      afterCommit: (hook) => hooks.push(hook),
    });
  });
  for (const hook of hooks) hook();
}

/** Makes an app of the bundled example under a name, or a random one, and returns its id and name. */
export async function addApp(
  person: Person,
  given: { name?: string; project?: string; environment?: string; server?: string } = {},
): Promise<{ id: string; name: string }> {
  const { app } = await person.client(AppService).createApp({
    name: `app-${randomBytes(4).toString('hex')}`,
    source: { repository: 'example:hello' },
    ...given,
  });
  return { id: app!.id, name: app!.name };
}

const facts: FactsColumn = {
  hostname: 'box',
  os: 'linux',
  arch: 'x64',
  cpuCount: 2,
  memoryBytes: 4e9,
  diskBytes: 40e9,
  agentVersion: '0.1.0',
  nodeVersion: '26.0.0',
  front: 'embedded',
  frontAddress: '127.0.0.1:7380',
  services: [],
  readOnly: false,
  repositoryHosts: [],
  domainSuffixes: [],
  refusedActions: [],
};
