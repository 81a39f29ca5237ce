import type { AppReport } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { Domain } from '../domains/entity.ts';
import type { Hearing } from '../fleet/hearing.ts';
import { App } from './entity.ts';

/** The numbers of DomainState. */
const [pending, active, failed] = [1, 2, 3];

/** Hears what an app does, as its agent measured it. What an agent says of another server's apps has no effect. */
export async function hearState(hearing: Hearing, report: AppReport): Promise<void> {
  const { em, server } = hearing;
  const app = await em.findOne(App, {
    id: report.appId,
    server: server.id,
    organization: server.organization,
  });
  if (!app) return;
  app.state = report.state;
  app.stateDetail = report.detail;
  app.servingRelease = report.servingRelease;
  app.keptReleases = report.keptReleases;
  app.urls = report.urls;
  for (const domain of await em.find(Domain, {
    app: app.id,
    state: { $in: [pending, active, failed] },
  })) {
    const served = report.domains.includes(domain.hostname);
    if (!served || domain.state === active) continue;
    domain.state = active;
    domain.detail = '';
    hearing.changed(ThingKind.DOMAIN, domain.id, domain.hostname);
  }
  hearing.changed(ThingKind.APP, app.id, app.name);
}
