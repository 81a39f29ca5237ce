import { createHash } from 'node:crypto';
import {
  Permission,
  PermissionSchema,
  type Toolset,
} from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { Session, User } from '../accounts/entity.ts';
import type { Store } from '../store/store.ts';
import { Token } from '../tokens/entity.ts';
import type { Caller } from './call.ts';
import { problem, Reason } from './problems.ts';

/** The name of the session cookie; the prefix makes browsers hold it to this very host over a trustworthy connection. */
export const sessionCookie = '__Host-serverflow';

/** How long a session may lie idle: 12 hours, in milliseconds. */
export const sessionIdleMs = 12 * 3_600_000;

/** Between two notes of "last used", in milliseconds: not every call writes. */
const lastUsedEveryMs = 60_000;

/** What a person may do; one owner per organization until roles come. */
const ownerPermissions: ReadonlySet<Permission> = new Set(
  PermissionSchema.values
    .map((value) => value.number as Permission)
    .filter((number) => number !== Permission.UNSPECIFIED),
);

/** The digest under which a secret of 32 random bytes is kept. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Recognises the caller by bearer token or session cookie; a credential that is there but not valid is refused, none is anyone. */
export async function identify(store: Store, headers: Headers): Promise<Caller> {
  const authorization = headers.get('authorization');
  if (authorization !== null) return byToken(store, authorization);
  const cookie = readCookie(headers.get('cookie') ?? '', sessionCookie);
  return cookie === undefined ? { kind: 'anyone' } : bySession(store, cookie);
}

async function byToken(store: Store, authorization: string): Promise<Caller> {
  const secret = /^Bearer (sfp_[A-Za-z0-9_-]{40,60})$/i.exec(authorization)?.[1];
  if (!secret) throw problem(Reason.BAD_TOKEN);
  const em = store.all();
  const row = await em.findOne(Token, { secretHash: secretHash(secret) });
  const now = new Date();
  if (!row || row.revokedAt || row.expiresAt <= now) throw problem(Reason.BAD_TOKEN);
  const user = await em.findOneOrFail(User, row.createdBy);
  if (!row.lastUsedAt || now.getTime() - row.lastUsedAt.getTime() > lastUsedEveryMs) {
    row.lastUsedAt = now;
    await em.flush();
  }
  return {
    kind: 'token',
    user: user.id,
    email: user.email,
    token: row.id,
    tokenName: row.name,
    tokenKind: row.kind === 2 ? 'mcp' : 'api',
    organization: row.organization,
    permissions: new Set(row.permissions as Permission[]),
    projects: row.projects,
    environments: row.environments,
    toolsets: row.toolsets as Toolset[],
    expiresAt: row.expiresAt,
  };
}

async function bySession(store: Store, secret: string): Promise<Caller> {
  const em = store.all();
  const row = await em.findOne(Session, { secretHash: secretHash(secret) });
  const now = new Date();
  if (!row || row.expiresAt <= now || now.getTime() - row.lastUsedAt.getTime() > sessionIdleMs)
    return { kind: 'anyone' };
  const user = await em.findOneOrFail(User, row.user);
  if (now.getTime() - row.lastUsedAt.getTime() > lastUsedEveryMs) {
    row.lastUsedAt = now;
    await em.flush();
  }
  return {
    kind: 'person',
    user: user.id,
    email: user.email,
    session: row.id,
    organization: row.organization,
    permissions: ownerPermissions,
    expiresAt: row.expiresAt,
  };
}

function readCookie(header: string, name: string): string | undefined {
  for (const part of header.split(';')) {
    const [key, ...value] = part.trim().split('=');
    if (key === name) return value.join('=');
  }
  return undefined;
}
