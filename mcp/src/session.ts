import type { Transport } from '@connectrpc/connect';
import type { AuthInfo } from '@modelcontextprotocol/server';
import type { Grant } from './grant.ts';

/** How an AI client named itself. */
export interface ClientName {
  name: string;
  version: string;
}

/** With what a call is made. */
export interface Credential {
  token: string;
  client?: ClientName;
  /** The address from which the request came. */
  address?: string;
}

/** Makes a transport to the API that acts as a credential. */
export type Connect = (credential: Credential) => Transport;

/** One request, or one SSE connection, of a client whose token was found good. */
export interface Session {
  /** The client in it named itself before this request, where the protocol says it only once. */
  credential: Credential;
  grant: Grant;
  /** Aborts when the client has gone or its token has. */
  signal: AbortSignal;
}

const sessions = new WeakMap<AuthInfo, Session>();

/** Wraps a session for the MCP library, which hands it on without looking. */
export function authOf(session: Session): AuthInfo {
  const { token, client } = session.credential;
  const auth: AuthInfo = { token, clientId: client?.name ?? '', scopes: [] };
  sessions.set(auth, session);
  return auth;
}

/** The session of a request that came through the door; throws when it did not. */
export function sessionOf(auth: AuthInfo | undefined): Session {
  const session = auth && sessions.get(auth);
  if (!session) throw new Error('A request reached MCP past its door.');
  return session;
}

/** Reads a client's name as it gave it; undefined when it gave none. Printable ASCII, at most 64 characters each. */
export function clientName(given: unknown): ClientName | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const { name, version } = given as Record<string, unknown>;
  const shown = printable(name);
  return shown ? { name: shown, version: printable(version) || '0' } : undefined;
}

function printable(text: unknown): string {
  return typeof text === 'string'
    ? text
        .replace(/[^\x20-\x7e]/g, '')
        .trim()
        .slice(0, 64)
    : '';
}
