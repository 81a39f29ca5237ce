import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { EntityManager } from '@mikro-orm/sql';
import { ClientService } from '@serverflow/gen/es/serverflow/access/v1/client_service_pb';
import {
  TokenKind,
  type ClientSchema,
  type TokenSchema,
} from '@serverflow/gen/es/serverflow/access/v1/token_pb';
import { TokenService } from '@serverflow/gen/es/serverflow/access/v1/token_service_pb';
import type { Permission, Toolset } from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { User } from '../accounts/entity.ts';
import { callOf, organizationOf, reading } from '../guard/call.ts';
import { change } from '../guard/change.ts';
import { credentialTopic } from '../guard/credential.ts';
import { notFound, problem, Reason } from '../guard/problems.ts';
import { Project } from '../projects/entity.ts';
import { nextPage, readPage } from '../store/page.ts';
import { Client, Token, type ClientRow, type TokenRow } from './entity.ts';
import { createToken, readGrant } from './tokens.ts';

/** TokenService: making, listing and revoking tokens. */
export const tokenRpc: ServiceImpl<typeof TokenService> = {
  createToken: (request, context) =>
    change(
      context,
      TokenService.method.createToken,
      request,
      async ({ em, call, organization, about, changed }) => {
        if (call.caller.kind !== 'person') throw problem(Reason.PERSON_REQUIRED);
        const { row, secret } = createToken(
          em,
          organization,
          call.caller.user,
          await readGrant(em, call.caller, request),
        );
        about(
          'token',
          row.name,
          `made the ${row.kind === TokenKind.MCP ? 'mcp' : 'api'} token ${row.name}`,
        );
        changed(ThingKind.TOKEN, row.id, row.name);
        return { token: await toToken(em, row), secret };
      },
    ),

  listTokens: async (request, context) => {
    const em = reading(callOf(context));
    const page = readPage(request);
    const where = request.kind ? { kind: request.kind } : {};
    const found = await em.find(Token, where, {
      orderBy: { createdAt: 'desc', id: 'desc' },
      limit: page.limit + 1,
      offset: page.offset,
    });
    const { rows, nextPageToken } = nextPage(page, found);
    return { tokens: await Promise.all(rows.map((row) => toToken(em, row))), nextPageToken };
  },

  revokeToken: (request, context) =>
    change(
      context,
      TokenService.method.revokeToken,
      request,
      async ({ em, call, about, changed, afterCommit }) => {
        const named = { $or: [{ id: request.token }, { name: request.token }] };
        const row = await em.findOne(Token, named, { orderBy: { createdAt: 'desc' } });
        if (!row) throw notFound('token', request.token);
        row.revokedAt ??= new Date();
        afterCommit(() => call.live.publish(credentialTopic(row.id)));
        about('token', row.name, `revoked the token ${row.name}`);
        changed(ThingKind.TOKEN, row.id, row.name);
        return { token: await toToken(em, row) };
      },
    ),
};

/** ClientService: the AI clients that have called. */
export const clientRpc: ServiceImpl<typeof ClientService> = {
  listClients: async (request, context) => {
    const em = reading(callOf(context));
    const page = readPage(request);
    const found = await em.find(
      Client,
      {},
      { orderBy: { lastSeenAt: 'desc' }, limit: page.limit + 1, offset: page.offset },
    );
    const { rows, nextPageToken } = nextPage(page, found);
    const tokens = await em.find(Token, { id: { $in: rows.map((row) => row.token) } });
    return {
      clients: rows.map((row) =>
        toClient(row, tokens.find((token) => token.id === row.token)?.name ?? ''),
      ),
      nextPageToken,
    };
  },

  revokeClients: (request, context) =>
    change(
      context,
      ClientService.method.revokeClients,
      request,
      async ({ em, call, about, changed, afterCommit }) => {
        const rows = await em.find(Token, { kind: TokenKind.MCP, revokedAt: null });
        for (const row of rows) row.revokedAt = new Date();
        afterCommit(() => rows.forEach((row) => call.live.publish(credentialTopic(row.id))));
        about(
          'organization',
          organizationOf(call),
          `stopped every AI client: revoked ${rows.length} tokens`,
        );
        changed(ThingKind.TOKEN, '', '');
        return { revokedCount: rows.length };
      },
    ),
};

async function toToken(
  em: EntityManager,
  row: TokenRow,
): Promise<MessageInitShape<typeof TokenSchema>> {
  const projects =
    row.projects.length > 0 ? await em.find(Project, { id: { $in: row.projects } }) : [];
  const maker = await em.findOne(User, row.createdBy);
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as TokenKind,
    permissions: row.permissions as Permission[],
    projects: projects.map((project) => project.name),
    environments: row.environments,
    toolsets: row.toolsets as Toolset[],
    createTime: timestampFromDate(row.createdAt),
    expireTime: timestampFromDate(row.expiresAt),
    ...(row.lastUsedAt ? { lastUseTime: timestampFromDate(row.lastUsedAt) } : {}),
    ...(row.revokedAt ? { revokeTime: timestampFromDate(row.revokedAt) } : {}),
    hint: row.hint,
    createdBy: maker?.email ?? '',
  };
}

function toClient(row: ClientRow, token: string): MessageInitShape<typeof ClientSchema> {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    token,
    firstSeenTime: timestampFromDate(row.firstSeenAt),
    lastSeenTime: timestampFromDate(row.lastSeenAt),
    callCount: row.callCount,
    lastTool: row.lastTool,
  };
}
