import type { FactsReport, PortsReport } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { App } from '../apps/entity.ts';
import type { Hearing } from '../fleet/hearing.ts';

/** Hears what an agent says of its machine, its services and its policy. */
export async function hearFacts({ server, changed }: Hearing, report: FactsReport): Promise<void> {
  const { $typeName: _type, $unknown: _unknown, services, ...facts } = report;
  server.facts = {
    ...facts,
    services: services.slice(0, 20).map(({ name, running, detail }) => ({ name, running, detail })),
  };
  changed(ThingKind.SERVER, server.id, server.name);
}

/** Hears on which ports the programs of the server's apps listen. */
export async function hearPorts(
  { em, server, changed }: Hearing,
  report: PortsReport,
): Promise<void> {
  const apps = await em.find(App, { server: server.id, organization: server.organization });
  const known = new Set(apps.map((app) => app.id));
  server.ports = report.ports
    .filter((port) => known.has(port.appId))
    .slice(0, 200)
    .map(({ appId, port, address, expected }) => ({ app: appId, port, address, expected }));
  changed(ThingKind.SERVER, server.id, server.name);
}
