import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/sql';
import { problem, Reason } from '../guard/problems.ts';
import { secretHash } from '../guard/caller.ts';
import { createProject } from '../projects/projects.ts';
import { newId } from '../store/ids.ts';
import {
  Member,
  Organization,
  Session,
  User,
  type OrganizationRow,
  type UserRow,
} from './entity.ts';

/** How long a session lasts at the most: 7 days, in milliseconds. */
export const sessionMs = 7 * 24 * 3_600_000;

/** The one-time token of the set-up address: made at each start while there is no person, kept in memory only. */
export type Setup = { readonly token: string; matches(given: string): boolean };

/** Makes a set-up token of 32 random bytes. */
export function createSetup(): Setup {
  const token = randomBytes(32).toString('base64url');
  const expected = Buffer.from(secretHash(token));
  return { token, matches: (given) => timingSafeEqual(expected, Buffer.from(secretHash(given))) };
}

/** Whether there is no person yet. */
export async function setupRequired(em: EntityManager): Promise<boolean> {
  return (await em.count(User)) === 0;
}

/** The first person as they are given. */
export type FirstPerson = {
  email: string;
  passwordHash: string;
  displayName: string;
  organizationName: string;
};

/** Makes the first person, the owner of a new organization with the project main; throws SET_UP_ALREADY. */
export async function createFirstPerson(
  em: EntityManager,
  input: FirstPerson,
): Promise<{ user: UserRow; organization: OrganizationRow }> {
  if (!(await setupRequired(em))) throw problem(Reason.SET_UP_ALREADY);
  const now = new Date();
  const email = input.email.toLowerCase();
  const organization = em.create(Organization, {
    id: newId('org'),
    displayName: input.organizationName || 'Home',
    createdAt: now,
  });
  const displayName = input.displayName || email.slice(0, email.indexOf('@'));
  const user = em.create(User, {
    id: newId('usr'),
    email,
    displayName,
    passwordHash: input.passwordHash,
    createdAt: now,
  });
  em.create(Member, {
    id: newId('mem'),
    organization: organization.id,
    user: user.id,
    role: 'owner',
    createdAt: now,
  });
  await createProject(em, organization.id, {
    name: 'main',
    displayName: 'Main',
    environment: 'production',
  });
  return { user, organization };
}

/** Signs a person in: makes the session's row and returns the secret for the cookie. */
export function createSession(
  em: EntityManager,
  user: UserRow,
  organization: string,
  from: { address: string; userAgent: string },
): string {
  const secret = randomBytes(32).toString('base64url');
  const now = new Date();
  em.create(Session, {
    id: newId('ses'),
    organization,
    user: user.id,
    secretHash: secretHash(secret),
    createdAt: now,
    lastUsedAt: now,
    expiresAt: new Date(now.getTime() + sessionMs),
    address: from.address,
    userAgent: from.userAgent,
  });
  return secret;
}
