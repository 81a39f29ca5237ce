import type { EntityManager } from '@mikro-orm/sql';
import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Permission, Toolset } from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import type { Logger } from 'pino';
import type { Live } from '../live.ts';
import type { Parts } from '../parts.ts';
import type { Store } from '../store/store.ts';

/** Who calls, as the credential proved it. */
export type Caller =
  | { readonly kind: 'anyone' }
  | {
      readonly kind: 'person';
      readonly user: string;
      readonly email: string;
      readonly session: string;
      readonly organization: string;
      readonly permissions: ReadonlySet<Permission>;
      /** When the credential ends at the latest. */
      readonly expiresAt: Date;
    }
  | {
      readonly kind: 'token';
      /** The person who made the token. */
      readonly user: string;
      readonly email: string;
      readonly token: string;
      readonly tokenName: string;
      readonly tokenKind: 'api' | 'mcp';
      readonly organization: string;
      readonly permissions: ReadonlySet<Permission>;
      /** Ids of projects and names of environments; empty means all. */
      readonly projects: readonly string[];
      readonly environments: readonly string[];
      readonly toolsets: readonly Toolset[];
      readonly expiresAt: Date;
    };

/** Which door a call came through: plain RPC, or the tools of an AI client. */
export type Door = 'rpc' | 'mcp';

/** One call, as every noun's functions see it. */
export type Call = {
  readonly caller: Caller;
  readonly door: Door;
  /** The id under which it is logged. */
  readonly requestId: string;
  /** The address it came from. */
  readonly address: string;
  readonly userAgent: string;
  /** The AI client as it named itself, such as claude-code/2.1; empty for others. */
  readonly client: string;
  readonly method: string;
  readonly signal: AbortSignal;
  readonly store: Store;
  readonly live: Live;
  readonly log: Logger;
  readonly parts: Parts;
};

/** Where the guard leaves the call for the handlers. */
export const callKey = createContextKey<Call | undefined>(undefined);

/** The call behind a handler's context; throws where the guard did not run. */
export function callOf(context: HandlerContext): Call {
  const call = context.values.get(callKey);
  if (!call) throw new Error('The guard did not see this call.');
  return call;
}

/** The caller's organization; throws for anyone. */
export function organizationOf(call: Call): string {
  if (call.caller.kind === 'anyone') throw new Error('This call has no organization.');
  return call.caller.organization;
}

/** A fresh entity manager that sees the caller's organization, for reading. */
export function reading(call: Call): EntityManager {
  return call.store.tenant(organizationOf(call));
}

/** Whether the caller's token, where it is one, covers a project (by id) and an environment (by name). */
export function inScope(caller: Caller, project: string, environment: string): boolean {
  if (caller.kind !== 'token') return caller.kind === 'person';
  const coversProject = caller.projects.length === 0 || caller.projects.includes(project);
  return (
    coversProject && (caller.environments.length === 0 || caller.environments.includes(environment))
  );
}

/** Where the door leaves the address that a call came from. */
export const addressKey = createContextKey('');
