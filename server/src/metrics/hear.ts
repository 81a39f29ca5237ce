import type { SampleReport } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import type { Hearing } from '../fleet/hearing.ts';
import { metricsTopic, type MetricStore } from './store.ts';

/** How many apps one measurement may hold. */
const mostApps = 1_000;

/** Hears what a server measured of itself and its apps. They are kept under the server's own id, so that no agent speaks of another. */
export async function hearSamples(
  { server, live, afterCommit }: Hearing,
  report: SampleReport,
  metrics: MetricStore,
): Promise<void> {
  const plausible = Number.isSafeInteger(Number(report.timeMs)) && report.timeMs > 0n;
  if (!plausible || report.apps.length > mostApps) return;
  metrics.take(server.id, report);
  afterCommit(() => live.publish(metricsTopic(server.id)));
}
