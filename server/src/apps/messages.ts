import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { EntityManager } from '@mikro-orm/sql';
import type {
  AppKind,
  AppSchema,
  AppState,
  ReleaseSchema,
} from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { Environment, Project } from '../projects/entity.ts';
import { Server } from '../servers/entity.ts';
import { Release, type AppRow, type ReleaseRow } from './entity.ts';

/** Apps as callers see them; names are looked up once for all. */
export async function toApps(
  em: EntityManager,
  rows: readonly AppRow[],
  isOnline: (server: string) => boolean,
): Promise<MessageInitShape<typeof AppSchema>[]> {
  const ids = (pick: (row: AppRow) => string) => ({ id: { $in: [...new Set(rows.map(pick))] } });
  const [projects, environments, servers] = await Promise.all([
    em.find(
      Project,
      ids((row) => row.project),
    ),
    em.find(
      Environment,
      ids((row) => row.environment),
    ),
    em.find(
      Server,
      ids((row) => row.server),
    ),
  ]);
  const name = (list: readonly { id: string; name: string }[], id: string) =>
    list.find((row) => row.id === id)?.name ?? '';
  return Promise.all(
    rows.map(async (row) => {
      const serving = row.servingRelease
        ? await em.findOne(Release, { app: row.id, number: row.servingRelease })
        : null;
      const server = name(servers, row.server);
      return {
        id: row.id,
        name: row.name,
        project: name(projects, row.project),
        environment: name(environments, row.environment),
        server,
        source: { repository: row.repository, ref: row.ref, directory: row.directory },
        kind: row.kind as AppKind,
        settings: row.settings,
        state: row.state as AppState,
        stateDetail: isOnline(row.server)
          ? row.stateDetail
          : `As last measured: the server ${server} is not connected.`,
        servingRelease: row.servingRelease,
        servingCommit: serving?.commit ?? '',
        urls: row.urls,
        lastDeployment: row.deploymentCount,
        variablesPending:
          row.servingRelease > 0 && (serving?.variablesVersion ?? 0) !== row.variablesVersion,
        createTime: timestampFromDate(row.createdAt),
      };
    }),
  );
}

/** A release; it is kept while its agent says so. */
export function toRelease(row: ReleaseRow, app: AppRow): MessageInitShape<typeof ReleaseSchema> {
  return {
    number: row.number,
    commit: row.commit,
    commitMessage: row.commitMessage,
    variablesVersion: row.variablesVersion,
    serving: row.number === app.servingRelease,
    kept: app.keptReleases.includes(row.number),
    deployment: row.deployment,
    createTime: timestampFromDate(row.createdAt),
  };
}
