import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fourWords } from '@serverflow/agent/envelope';
import { AGENT_VERSION, enrolledAddress, type Places } from './config.ts';
import { writeDurably } from './files.ts';
import { isEnrolled, readIdentity } from './identity.ts';
import { lockHolder } from './lock.ts';
import { type Policy, readPolicy } from './policy.ts';

/** How the link stood when it last changed. */
export type LinkStatus = {
  readonly isConnected: boolean;
  readonly sinceMs: number;
  readonly detail: string;
};

const fileOf = (state: string): string => join(state, 'status.json');

/** Notes a change of the link for `status`; a full disk does not stop the agent. */
export function writeStatus(state: string, status: LinkStatus): void {
  try {
    writeDurably(fileOf(state), JSON.stringify(status));
  } catch {
    // The link is worth more than what is said of it.
  }
}

/** What `status` tells; it asks nobody. */
export type Status = {
  readonly version: string;
  readonly state: string;
  readonly enrolled: boolean;
  readonly server?: string;
  readonly agentId?: string;
  readonly keyWords?: string;
  readonly controlPlane?: string;
  /** The process that runs; absent means none. */
  readonly pid?: number;
  readonly link?: LinkStatus;
  readonly policy: Policy;
};

/** Reads everything that `status` tells from the state folder. */
export function readStatus({ state, policyFile }: Places): Status {
  const base = { version: AGENT_VERSION, state, policy: readPolicy(policyFile) };
  if (!isEnrolled(state)) return { ...base, enrolled: false };
  const identity = readIdentity(state);
  const controlPlane = enrolledAddress(state);
  const pid = lockHolder(state)?.pid;
  const link = readLink(state);
  return {
    ...base,
    enrolled: true,
    server: identity.serverName,
    agentId: identity.agentId,
    keyWords: fourWords(identity.signingKey.publicKey),
    ...(controlPlane === undefined ? {} : { controlPlane }),
    ...(pid === undefined ? {} : { pid }),
    ...(link === undefined ? {} : { link }),
  };
}

/** The status in lines for a person. */
export function describeStatus(status: Status): string {
  if (!status.enrolled) {
    return `Not enrolled in ${status.state}.\nRun "serverflow-agent enroll" with the token from the dashboard.`;
  }
  const link =
    status.pid === undefined
      ? 'not running'
      : `running as process ${status.pid}, ${describeLink(status.link)}`;
  return [
    `${status.server} (${status.agentId}), agent ${status.version}`,
    `key:           ${status.keyWords}`,
    `control plane: ${status.controlPlane ?? 'as agent.toml says'}`,
    `agent:         ${link}`,
    `state:         ${status.state}`,
    '',
    describePolicy(status.policy),
  ].join('\n');
}

/** The policy in lines for a person. */
export function describePolicy(policy: Policy): string {
  if (policy.broken !== undefined) {
    return `policy: cannot be read, so every change is refused: ${policy.broken}`;
  }
  const list = (items: readonly string[], none: string): string => items.join(', ') || none;
  return [
    `policy: ${policy.readOnly ? 'read-only: every change is refused' : 'changes are allowed'}`,
    `  repository hosts: ${list(policy.repositoryHosts, 'every public one')}`,
    `  domain suffixes:  ${list(policy.domainSuffixes, 'all')}`,
    `  refused actions:  ${list(policy.refusedActions, 'none')}`,
  ].join('\n');
}

function describeLink(link: LinkStatus | undefined): string {
  if (link === undefined) return 'connecting';
  const since = new Date(link.sinceMs).toISOString();
  return link.isConnected
    ? `connected since ${since}`
    : `not connected since ${since}: ${link.detail}`;
}

function readLink(state: string): LinkStatus | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(state), 'utf8')) as LinkStatus;
  } catch {
    return undefined;
  }
}
