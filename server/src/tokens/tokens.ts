import { createHash, randomBytes } from 'node:crypto';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { EntityManager } from '@mikro-orm/sql';
import { TokenKind } from '@serverflow/gen/es/serverflow/access/v1/token_pb';
import type { CreateTokenRequest } from '@serverflow/gen/es/serverflow/access/v1/token_service_pb';
import {
  Permission,
  PermissionSchema,
  Toolset,
} from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import type { Caller } from '../guard/call.ts';
import { secretHash } from '../guard/caller.ts';
import { problem, Reason } from '../guard/problems.ts';
import { findProject } from '../projects/projects.ts';
import { newId } from '../store/ids.ts';
import { Token, type TokenRow } from './entity.ts';

const dayMs = 24 * 3_600_000;

/** How long a token lasts by default and at the most: 90 and 366 days, in milliseconds. */
const defaultMs = 90 * dayMs;
const mostMs = 366 * dayMs;

/** What no token may ever hold, whoever makes it: a token cannot mint tokens or change the organization. */
const never: ReadonlySet<Permission> = new Set([
  Permission.TOKENS_MANAGE,
  Permission.ORGANIZATION_WRITE,
]);

/** What a token may hold, for those who leave the choice to us. */
export const grantable: readonly Permission[] = PermissionSchema.values
  .map((value) => value.number as Permission)
  .filter((permission) => permission !== Permission.UNSPECIFIED && !never.has(permission));

/** What a token is made of. */
export type Grant = Pick<
  CreateTokenRequest,
  'name' | 'kind' | 'permissions' | 'projects' | 'environments' | 'toolsets'
> & { expiresAt: Date };

/** Checks a request for a token against what the caller holds; throws BAD_GRANT, NOT_FOUND or ALREADY_EXISTS. */
export async function readGrant(
  em: EntityManager,
  caller: Caller,
  request: CreateTokenRequest,
): Promise<Grant> {
  if (caller.kind !== 'person') throw problem(Reason.PERSON_REQUIRED);
  const held = grantable.filter((permission) => caller.permissions.has(permission));
  const beyond = request.permissions.find((permission) => !held.includes(permission));
  if (beyond !== undefined)
    throw problem(Reason.BAD_GRANT, {
      why: `a token cannot hold ${PermissionSchema.value[beyond]?.name ?? beyond}`,
    });
  if (request.kind === TokenKind.API && request.toolsets.length > 0)
    throw problem(Reason.BAD_GRANT, { why: 'toolsets are for tokens of AI clients' });
  const expiresAt = request.expireTime
    ? timestampDate(request.expireTime)
    : new Date(Date.now() + defaultMs);
  const lifeMs = expiresAt.getTime() - Date.now();
  if (!(lifeMs > 0) || lifeMs > mostMs)
    throw problem(Reason.BAD_GRANT, { why: 'the expiry must lie ahead, at most 366 days' });
  const live = await em.findOne(Token, {
    name: request.name,
    revokedAt: null,
    expiresAt: { $gt: new Date() },
  });
  if (live) throw problem(Reason.ALREADY_EXISTS, { resource: 'token', name: request.name });
  const projects = await Promise.all(
    request.projects.map(async (name) => (await findProject(em, caller, name)).id),
  );
  return {
    name: request.name,
    kind: request.kind,
    permissions: request.permissions.length > 0 ? request.permissions : held,
    projects,
    environments: request.environments,
    toolsets:
      request.kind === TokenKind.MCP && request.toolsets.length === 0
        ? [Toolset.DEFAULT]
        : request.toolsets,
    expiresAt,
  };
}

/** Makes a token and returns its secret: sfp_, 32 random bytes and a checksum of 6 characters, so that scanners and typing errors are noticed. */
export function createToken(
  em: EntityManager,
  organization: string,
  user: string,
  grant: Grant,
): { row: TokenRow; secret: string } {
  const body = randomBytes(32).toString('base64url');
  const secret = `sfp_${body}${checksum(body)}`;
  const row = em.create(Token, {
    id: newId('tok'),
    organization,
    name: grant.name,
    kind: grant.kind,
    permissions: [...grant.permissions],
    projects: [...grant.projects],
    environments: [...grant.environments],
    toolsets: [...grant.toolsets],
    secretHash: secretHash(secret),
    hint: secret.slice(0, 8),
    createdBy: user,
    createdAt: new Date(),
    expiresAt: grant.expiresAt,
    lastUsedAt: null,
    revokedAt: null,
  });
  return { row, secret };
}

/** The token that a first unattended start writes for its owner: everything a token of this kind may, for 90 days. */
export function firstGrant(name: string, kind: TokenKind): Grant {
  return {
    name,
    kind,
    permissions: [...grantable],
    projects: [],
    environments: [],
    toolsets: kind === TokenKind.MCP ? [Toolset.DEFAULT] : [],
    expiresAt: new Date(Date.now() + defaultMs),
  };
}

function checksum(body: string): string {
  return createHash('sha256').update(`sfp_${body}`).digest('base64url').slice(0, 6);
}
