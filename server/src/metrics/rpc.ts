import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { SampleReport } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import type { MetricService } from '@serverflow/gen/es/serverflow/metric/v1/metric_service_pb';
import { findApp } from '../apps/apps.ts';
import { callOf, reading, type Call } from '../guard/call.ts';
import { problem, Reason } from '../guard/problems.ts';
import { findServer } from '../servers/find.ts';
import { follow } from '../streams.ts';
import { toSample } from './messages.ts';
import { metricsTopic } from './store.ts';

/** What is answered where the caller names no start: the last hour, in milliseconds. */
const usualMs = 3_600_000;

/** How many samples one message of a stream carries at the most. */
const batch = 200;

/** MetricService: the samples of servers and apps. Page tokens and cursors are moments in milliseconds since 1970. */
export const metricRpc: ServiceImpl<typeof MetricService> = {
  listSamples: async (request, context) => {
    const call = callOf(context);
    const { server, app } = await findMeasured(call, request);
    const after = request.pageToken
      ? readCursor(request.pageToken)
      : request.startTime
        ? timestampMs(request.startTime) - 1
        : Date.now() - usualMs;
    const limit = request.pageSize || 50;
    const rows = call.parts.metrics.after(server, after, limit + 1);
    const page = rows.slice(0, limit);
    return {
      samples: toSamples(page, app),
      nextPageToken: rows.length > limit ? cursorOf(page, after) : '',
    };
  },

  async *watchSamples(request, context) {
    const call = callOf(context);
    const { server, app } = await findMeasured(call, request);
    let after = request.cursor ? readCursor(request.cursor) : Date.now() - usualMs;
    yield* follow(call, [metricsTopic(server)], async (why) => {
      const rows = call.parts.metrics.after(server, after, batch);
      const cursor = cursorOf(rows, after);
      after = Number(cursor);
      const samples = toSamples(rows, app);
      const more = rows.length === batch;
      if (why === 'wake' && samples.length === 0) return { message: undefined, more };
      return { message: { cursor, samples }, more };
    });
  },
};

/** Whose samples are asked for: one server, or one app and the server that measures it. Throws INVALID_ARGUMENT or NOT_FOUND. */
async function findMeasured(
  call: Call,
  asked: { server: string; app: string },
): Promise<{ server: string; app: string }> {
  if ((asked.server === '') === (asked.app === '')) {
    const violation = 'exactly one of server and app is to be given';
    throw problem(
      Reason.INVALID_ARGUMENT,
      { field: 'server', violation },
      { violations: [{ field: 'server', description: violation }] },
    );
  }
  const em = reading(call);
  if (asked.server) return { server: (await findServer(em, asked.server)).id, app: '' };
  const app = await findApp(em, call.caller, asked.app);
  return { server: app.server, app: app.id };
}

function toSamples(rows: readonly SampleReport[], app: string) {
  return rows.map((row) => toSample(row, app)).filter((sample) => sample !== undefined);
}

function cursorOf(rows: readonly SampleReport[], otherwise: number): string {
  return String(rows.at(-1)?.timeMs ?? otherwise);
}

function readCursor(cursor: string): number {
  if (!/^[0-9]{1,15}$/.test(cursor)) throw problem(Reason.BAD_CURSOR);
  return Number(cursor);
}
