import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { AccountService } from '@serverflow/gen/es/serverflow/account/v1/account_service_pb';
import { OrganizationService } from '@serverflow/gen/es/serverflow/account/v1/organization_service_pb';
import { SessionService } from '@serverflow/gen/es/serverflow/account/v1/session_service_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { callOf, organizationOf, reading } from '../guard/call.ts';
import { sessionCookie } from '../guard/caller.ts';
import { change } from '../guard/change.ts';
import { credentialTopic } from '../guard/credential.ts';
import { notFound, problem, Reason } from '../guard/problems.ts';
import { nextPage, readPage } from '../store/page.ts';
import { version } from '../version.ts';
import { createFirstPerson, createSession, sessionMs, setupRequired } from './accounts.ts';
import { Member, Organization, Session, User } from './entity.ts';
import { writeInvitation } from './invitation.ts';
import { toOrganization, toSession, toUser } from './messages.ts';
import { checkPassword, hashPassword } from './password.ts';

/** AccountService: the first set-up, and who calls. */
export const accountRpc: ServiceImpl<typeof AccountService> = {
  getSetup: async (_request, context) => ({
    required: await setupRequired(callOf(context).store.all()),
    version,
  }),

  completeSetup: async (request, context) => {
    const { parts } = callOf(context);
    await parts.limits.setup(callOf(context));
    if (!(await setupRequired(callOf(context).store.all()))) throw problem(Reason.SET_UP_ALREADY);
    if (!parts.setup.matches(request.setupToken)) throw problem(Reason.BAD_SETUP_TOKEN);
    const passwordHash = await hashPassword(request.password);
    return change(context, AccountService.method.completeSetup, request, async (part) => {
      const { user, organization } = await createFirstPerson(part.em, { ...request, passwordHash });
      part.organization = organization.id;
      if (!request.validateOnly) await writeInvitation(part.em, organization.id, parts);
      const secret = createSession(part.em, user, organization.id, part.call);
      part.about('organization', organization.displayName, `${user.email} set ServerFlow up`);
      part.afterCommit(() => setCookie(context, secret));
      return { user: toUser(user), organization: toOrganization(organization) };
    });
  },

  getAccount: async (_request, context) => {
    const { caller } = callOf(context);
    if (caller.kind === 'anyone') throw problem(Reason.NOT_SIGNED_IN);
    const em = reading(callOf(context));
    return {
      user: toUser(await em.findOneOrFail(User, caller.user)),
      organization: toOrganization(await em.findOneOrFail(Organization, caller.organization)),
      permissions: [...caller.permissions],
      tokenName: caller.kind === 'token' ? caller.tokenName : '',
      toolsets: caller.kind === 'token' ? [...caller.toolsets] : [],
    };
  },
};

/** SessionService: signing in and out. */
export const sessionRpc: ServiceImpl<typeof SessionService> = {
  createSession: async (request, context) => {
    const call = callOf(context);
    const email = request.email.toLowerCase();
    await call.parts.limits.signIn(call, email);
    const user = await call.store.all().findOne(User, { email });
    const right = await checkPassword(request.password, user?.passwordHash);
    if (!user || !right) throw problem(Reason.WRONG_PASSWORD);
    const member = await call.store
      .all()
      .findOneOrFail(Member, { user: user.id }, { orderBy: { createdAt: 'asc' } });
    const response = await change(
      context,
      SessionService.method.createSession,
      request,
      async (part) => {
        part.organization = member.organization;
        const secret = createSession(part.em, user, member.organization, call);
        part.about('person', user.email, `${user.email} signed in`);
        part.afterCommit(() => setCookie(context, secret));
        return { user: toUser(user) };
      },
    );
    await call.parts.limits.signedIn(call, email);
    return response;
  },

  listSessions: async (request, context) => {
    const { caller } = callOf(context);
    if (caller.kind !== 'person') throw problem(Reason.PERSON_REQUIRED);
    const page = readPage(request);
    const where = { user: caller.user, expiresAt: { $gt: new Date() } };
    const found = await reading(callOf(context)).find(Session, where, {
      orderBy: { createdAt: 'desc' },
      limit: page.limit + 1,
      offset: page.offset,
    });
    const { rows, nextPageToken } = nextPage(page, found);
    return { sessions: rows.map((row) => toSession(row, caller.session)), nextPageToken };
  },

  deleteSession: (request, context) =>
    change(
      context,
      SessionService.method.deleteSession,
      request,
      async ({ em, call, about, afterCommit }) => {
        if (call.caller.kind !== 'person') throw problem(Reason.PERSON_REQUIRED);
        const id = request.session || call.caller.session;
        const row = await em.findOne(Session, { id, user: call.caller.user });
        if (!row) throw notFound('session', id);
        em.remove(row);
        afterCommit(() => call.live.publish(credentialTopic(id)));
        about('person', call.caller.email, 'signed out');
        if (id === call.caller.session) afterCommit(() => clearCookie(context));
        return {};
      },
    ),
};

/** OrganizationService: the caller's organization. */
export const organizationRpc: ServiceImpl<typeof OrganizationService> = {
  getOrganization: async (_request, context) => {
    const call = callOf(context);
    return {
      organization: toOrganization(
        await reading(call).findOneOrFail(Organization, organizationOf(call)),
      ),
    };
  },

  updateOrganization: (request, context) =>
    change(
      context,
      OrganizationService.method.updateOrganization,
      request,
      async ({ em, organization, about, changed }) => {
        const row = await em.findOneOrFail(Organization, organization);
        if (request.displayName !== undefined) row.displayName = request.displayName;
        about('organization', row.displayName, 'renamed the organization');
        changed(ThingKind.ORGANIZATION, row.id, row.displayName);
        return { organization: toOrganization(row) };
      },
    ),
};

function setCookie(context: HandlerContext, secret: string): void {
  const age = Math.floor(sessionMs / 1000);
  context.responseHeader.append(
    'set-cookie',
    `${sessionCookie}=${secret}; Path=/; Max-Age=${age}; HttpOnly; Secure; SameSite=Lax`,
  );
}

function clearCookie(context: HandlerContext): void {
  context.responseHeader.append(
    'set-cookie',
    `${sessionCookie}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax`,
  );
}
