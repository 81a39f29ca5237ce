import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SealingKey, SigningKey } from '@serverflow/agent/envelope';
import { Complaint } from './complaint.ts';
import { makePrivateFolder, writeDurably } from './files.ts';

/** Who this agent is: its keys, which never leave, and what it was told when it enrolled. */
export type Identity = {
  readonly signingKey: SigningKey;
  readonly sealingKey: SealingKey;
  /** The id of its server, by which orders address it. */
  readonly agentId: string;
  readonly tenantId: string;
  readonly serverName: string;
  /** The digest of the control plane's root keys, 32 bytes. */
  readonly pin: Uint8Array;
};

const folderOf = (state: string): string => join(state, 'identity');
const cardOf = (state: string): string => join(folderOf(state), 'agent.json');

/** Whether an agent was enrolled here. */
export const isEnrolled = (state: string): boolean => existsSync(cardOf(state));

/** Writes the identity into files of mode 0600 in a folder of mode 0700; what says that it is complete comes last. */
export function writeIdentity(state: string, identity: Identity): void {
  makePrivateFolder(state);
  makePrivateFolder(folderOf(state));
  writeDurably(join(folderOf(state), 'signing.key'), identity.signingKey.exportSeed());
  writeDurably(join(folderOf(state), 'sealing.key'), identity.sealingKey.exportSeed());
  const { agentId, tenantId, serverName, pin } = identity;
  const card = { agentId, tenantId, serverName, pin: Buffer.from(pin).toString('base64url') };
  writeDurably(cardOf(state), `${JSON.stringify(card, null, 2)}\n`);
}

/** Reads the identity; throws a Complaint NOT_ENROLLED or IDENTITY_UNREADABLE. */
export function readIdentity(state: string): Identity {
  if (!isEnrolled(state)) {
    throw new Complaint(
      'NOT_ENROLLED',
      `No agent is enrolled in ${state}; run "serverflow-agent enroll" with the token from the dashboard.`,
    );
  }
  try {
    const card = Object(JSON.parse(readFileSync(cardOf(state), 'utf8'))) as Record<string, unknown>;
    const seed = (name: string): Uint8Array => readFileSync(join(folderOf(state), name));
    return {
      signingKey: new SigningKey(seed('signing.key')),
      sealingKey: new SealingKey(seed('sealing.key')),
      agentId: filled(card['agentId']),
      tenantId: filled(card['tenantId']),
      serverName: filled(card['serverName']),
      pin: Buffer.from(filled(card['pin']), 'base64url'),
    };
  } catch (error) {
    throw new Complaint(
      'IDENTITY_UNREADABLE',
      `The identity in ${folderOf(state)} cannot be read (${error instanceof Error ? error.message : 'damaged'}); restore it, or move it away and enrol again.`,
    );
  }
}

function filled(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new Error('agent.json lacks a field');
}
