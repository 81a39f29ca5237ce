import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { SampleReport } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import type { SampleSchema } from '@serverflow/gen/es/serverflow/metric/v1/metric_pb';

/** A server's sample or, with an app's id, that app's, as callers see it; undefined where the measurement has none. */
export function toSample(
  report: SampleReport,
  app = '',
): MessageInitShape<typeof SampleSchema> | undefined {
  const sample = app ? report.apps.find((one) => one.appId === app)?.sample : report.server;
  if (!sample) return undefined;
  const { cpuPercent, memoryBytes, diskBytes, networkIn, networkOut, load1 } = sample;
  return {
    time: timestampFromMs(Number(report.timeMs)),
    cpuPercent,
    memoryBytes,
    diskBytes,
    networkIn,
    networkOut,
    load1,
  };
}
