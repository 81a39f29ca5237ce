import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { DomainState, type DomainSchema } from '@serverflow/gen/es/serverflow/domain/v1/domain_pb';
import { DomainService } from '@serverflow/gen/es/serverflow/domain/v1/domain_service_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { findApp, scopeOf } from '../apps/apps.ts';
import { App, type AppRow } from '../apps/entity.ts';
import { placeOrder } from '../fleet/outbox.ts';
import { callOf, reading } from '../guard/call.ts';
import { change } from '../guard/change.ts';
import { notFound, problem, Reason } from '../guard/problems.ts';
import { Server } from '../servers/entity.ts';
import { newId } from '../store/ids.ts';
import { nextPage, readPage } from '../store/page.ts';
import { Domain, type DomainRow } from './entity.ts';
import { readHostname } from './hostname.ts';

const method = DomainService.method;

/** DomainService: messages to rules and back. */
export const domainRpc: ServiceImpl<typeof DomainService> = {
  addDomain: (request, context) =>
    change(context, method.addDomain, request, async (part) => {
      const { em, call, organization, about, changed } = part;
      const app = await findApp(em, call.caller, request.app);
      const server = await em.findOneOrFail(Server, app.server);
      const hostname = readHostname(request.hostname, server.facts?.domainSuffixes ?? []);
      if (await call.store.hostnameTaken(em, hostname))
        throw problem(Reason.ALREADY_EXISTS, { resource: 'domain', name: hostname });
      const row = em.create(Domain, {
        id: newId('dom'),
        organization,
        app: app.id,
        hostname,
        state: DomainState.PENDING,
        detail: '',
        createdAt: new Date(),
      });
      placeOrder(
        part,
        app.server,
        {
          case: 'addDomain',
          value: { $typeName: 'serverflow.agent.v1.AddDomain', appId: app.id, hostname },
        },
        row.id,
      );
      about('domain', hostname, `added the domain to ${app.name}`);
      changed(ThingKind.DOMAIN, row.id, hostname);
      return { domain: toDomain(row, app) };
    }),

  listDomains: async (request, context) => {
    const call = callOf(context);
    const em = reading(call);
    const page = readPage(request);
    const apps = request.app
      ? [await findApp(em, call.caller, request.app)]
      : await em.find(App, await scopeOf(em, call.caller));
    const where = { app: { $in: apps.map((app) => app.id) } };
    const found = await em.find(Domain, where, {
      orderBy: { hostname: 'asc' },
      limit: page.limit + 1,
      offset: page.offset,
    });
    const { rows, nextPageToken } = nextPage(page, found);
    return {
      domains: rows.map((row) =>
        toDomain(
          row,
          apps.find((app) => app.id === row.app)!,
        ),
      ),
      nextPageToken,
    };
  },

  removeDomain: (request, context) =>
    change(context, method.removeDomain, request, async (part) => {
      const { em, call, about, changed } = part;
      const row = await em.findOne(Domain, {
        $or: [{ id: request.domain }, { hostname: request.domain.toLowerCase() }],
      });
      if (!row)
        throw notFound('domain', request.domain, {
          method: 'serverflow.domain.v1.DomainService/ListDomains',
          argumentsJson: '{}',
        });
      const app = await findApp(em, call.caller, row.app).catch(() => {
        throw notFound('domain', request.domain);
      });
      row.state = DomainState.REMOVING;
      placeOrder(
        part,
        app.server,
        {
          case: 'removeDomain',
          value: {
            $typeName: 'serverflow.agent.v1.RemoveDomain',
            appId: app.id,
            hostname: row.hostname,
          },
        },
        row.id,
      );
      about('domain', row.hostname, `removed the domain from ${app.name}`);
      changed(ThingKind.DOMAIN, row.id, row.hostname);
      return { domain: toDomain(row, app) };
    }),
};

function toDomain(row: DomainRow, app: AppRow): MessageInitShape<typeof DomainSchema> {
  const port = app.urls.map((url) => (URL.canParse(url) ? new URL(url).port : '')).find(Boolean);
  return {
    id: row.id,
    hostname: row.hostname,
    app: app.name,
    state: row.state as DomainState,
    detail: row.detail,
    url: `http://${row.hostname}${port ? `:${port}` : ''}`,
    createTime: timestampFromDate(row.createdAt),
  };
}
