import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { LogStream } from '@serverflow/gen/es/serverflow/log/v1/log_pb';
import type { LogService } from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { findApp } from '../apps/apps.ts';
import { deploymentTopic, findDeployment } from '../deployments/deployments.ts';
import { hasEnded } from '../deployments/states.ts';
import { callOf, reading, type Call } from '../guard/call.ts';
import { problem, Reason } from '../guard/problems.ts';
import { follow } from '../streams.ts';
import type { NumberedLine } from './chunk.ts';
import { readOn, searchLog } from './read.ts';
import { logKey, logTopic } from './store.ts';

/** How many lines a search answers, and a tail begins with, where the caller does not say. */
const usual = 100;

/** LogService: the lines of apps and of their deployments. Cursors are numbers of lines. */
export const logRpc: ServiceImpl<typeof LogService> = {
  searchLogs: async (request, context) => {
    const call = callOf(context);
    const { logs } = call.parts;
    const { key } = await findLog(call, request);
    const last = logs.last(key);
    const before = request.before ? readCursor(request.before) : last + 1;
    const page = searchLog(logs, key, {
      contains: request.contains,
      before,
      limit: request.limit || usual,
    });
    return {
      lines: page.lines.map(toLine),
      before: page.before ? String(page.before) : '',
      cursor: String(Math.max(0, Math.min(last, before - 1))),
    };
  },

  async *tailLogs(request, context) {
    const call = callOf(context);
    const { logs } = call.parts;
    const { key, app, deployment } = await findLog(call, request);
    let after = request.cursor
      ? readCursor(request.cursor)
      : Math.max(0, logs.last(key) - (request.last || usual));
    const topics = [logTopic(key), ...(deployment ? [deploymentTopic(deployment)] : [])];
    yield* follow(call, topics, async (why) => {
      // The state is read before the lines, for the lines of a deployment are stored before its end.
      const over =
        deployment !== '' && (await hasOver(call, { app, deployment: request.deployment }));
      const step = readOn(logs, key, after);
      after = step.lines.at(-1)?.number ?? after;
      const ended = over && !step.more;
      if (why === 'wake' && step.lines.length === 0 && !ended) return { message: undefined };
      const message = {
        cursor: String(after),
        lines: step.lines.map(toLine),
        gap: step.gap,
        ended,
      };
      return { message, done: ended, more: step.more };
    });
  },
};

type Asked = { app: string; deployment: number };

/** Finds the log that the caller may read; throws NOT_FOUND. */
async function findLog(call: Call, asked: Asked) {
  const em = reading(call);
  const app = await findApp(em, call.caller, asked.app);
  if (!asked.deployment) return { key: logKey(app.id), app: app.id, deployment: '' };
  const row = await findDeployment(em, app, asked.deployment);
  return { key: logKey(app.id, row.id), app: app.id, deployment: row.id };
}

async function hasOver(call: Call, asked: Asked): Promise<boolean> {
  const em = reading(call);
  const app = await findApp(em, call.caller, asked.app);
  return hasEnded((await findDeployment(em, app, asked.deployment)).state);
}

function toLine(line: NumberedLine) {
  return {
    number: line.number,
    time: timestampFromMs(line.timeMs),
    stream: line.stream as LogStream,
    text: line.text,
  };
}

function readCursor(cursor: string): number {
  if (!/^[0-9]{1,15}$/.test(cursor)) throw problem(Reason.BAD_CURSOR);
  return Number(cursor);
}
