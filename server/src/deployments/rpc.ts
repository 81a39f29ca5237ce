import type { ServiceImpl } from '@connectrpc/connect';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { App } from '../apps/entity.ts';
import { findApp, scopeOf } from '../apps/apps.ts';
import { callOf, reading, type Call } from '../guard/call.ts';
import { change } from '../guard/change.ts';
import { problem, Reason } from '../guard/problems.ts';
import { nextPage, readPage } from '../store/page.ts';
import { follow } from '../streams.ts';
import { deploymentTopic, findDeployment, startDeploy, startRollBack } from './deployments.ts';
import { Deployment } from './entity.ts';
import { toDeployment } from './messages.ts';
import { hasEnded } from './states.ts';

const method = DeploymentService.method;

/** The longest wait of one call, in seconds: AI clients give up at 60. */
const longestWait = 45;

/** DeploymentService: messages to rules and back. */
export const deploymentRpc: ServiceImpl<typeof DeploymentService> = {
  createDeployment: (request, context) =>
    change(context, method.createDeployment, request, async (part) => {
      const app = await findApp(part.em, part.call.caller, request.app);
      return { deployment: toDeployment(await startDeploy(part, app, request), app) };
    }),

  rollBackApp: (request, context) =>
    change(context, method.rollBackApp, request, async (part) => {
      const app = await findApp(part.em, part.call.caller, request.app);
      return { deployment: toDeployment(await startRollBack(part, app, request), app) };
    }),

  getDeployment: async (request, context) => ({
    deployment: await readDeployment(callOf(context), request),
  }),

  listDeployments: async (request, context) => {
    const call = callOf(context);
    const em = reading(call);
    const page = readPage(request);
    const apps = request.app
      ? [await findApp(em, call.caller, request.app)]
      : await em.find(App, await scopeOf(em, call.caller));
    const where = { app: { $in: apps.map((app) => app.id) } };
    const found = await em.find(Deployment, where, {
      orderBy: { createdAt: 'desc', number: 'desc' },
      limit: page.limit + 1,
      offset: page.offset,
    });
    const { rows, nextPageToken } = nextPage(page, found);
    return {
      deployments: rows.map((row) =>
        toDeployment(
          row,
          apps.find((app) => app.id === row.app)!,
          false,
        ),
      ),
      nextPageToken,
    };
  },

  async *watchDeployment(request, context) {
    const call = callOf(context);
    const first = await readRows(call, request);
    let seen = readCursor(request.cursor);
    yield* follow(call, [deploymentTopic(first.row.id)], async (why) => {
      const { row, app } = await readRows(call, { app: first.app.id, number: first.row.number });
      if (why === 'wake' && row.revision === seen) return { message: undefined };
      seen = row.revision;
      return {
        message: { cursor: String(row.revision), deployment: toDeployment(row, app) },
        done: hasEnded(row.state),
      };
    });
  },

  waitDeployment: async (request, context) => {
    const call = callOf(context);
    const first = await readRows(call, request);
    const asked = { app: first.app.id, number: first.row.number };
    if (!hasEnded(first.row.state))
      await ended(call, first.row.id, asked, (request.timeoutSeconds || longestWait) * 1000);
    const { row, app } = await readRows(call, asked);
    return { deployment: toDeployment(row, app), done: hasEnded(row.state) };
  },
};

type Asked = { app: string; number: number };

async function readRows(call: Call, asked: Asked) {
  const em = reading(call);
  const app = await findApp(em, call.caller, asked.app);
  return { app, row: await findDeployment(em, app, asked.number) };
}

async function readDeployment(call: Call, asked: Asked) {
  const { row, app } = await readRows(call, asked);
  return toDeployment(row, app);
}

async function ended(call: Call, id: string, asked: Asked, ms: number): Promise<void> {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(ms)]);
  const heard = call.live.subscribe([deploymentTopic(id)], signal);
  if (hasEnded((await readRows(call, asked)).row.state)) return;
  for await (const _change of heard) if (hasEnded((await readRows(call, asked)).row.state)) return;
}

function readCursor(cursor: string): number {
  if (cursor === '') return 0;
  if (!/^[0-9]{1,9}$/.test(cursor)) throw problem(Reason.BAD_CURSOR);
  return Number(cursor);
}
