import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { createValidator } from '@bufbuild/protovalidate';
import {
  Code,
  ConnectError,
  createRouterTransport,
  type ConnectRouter,
  type HandlerContext,
  type Interceptor,
  type Transport,
} from '@connectrpc/connect';
import { AccountService } from '@serverflow/gen/es/serverflow/account/v1/account_service_pb';
import { AppState, type App } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import {
  DeploymentSchema,
  DeploymentState,
  StepName,
  StepState,
  type Deployment,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { ProblemSchema, Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { LogStream } from '@serverflow/gen/es/serverflow/log/v1/log_pb';
import { LogService } from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { Permission, Toolset } from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import type { Credential, Grant } from '../src/main.ts';

/** Every permission and toolset that a token may have. */
export const everyGrant: Grant = {
  kind: 'mcp',
  permissions: Object.values(Permission),
  toolsets: [Toolset.DEFAULT],
};

/** A small API in memory: real contract, real validation rules, tokens that can be revoked. */
export interface TestApi {
  connect: (credential: Credential) => Transport;
  tokens: Map<string, Pick<Grant, 'permissions' | 'toolsets'>>;
  apps: Map<string, App>;
  deployments: Deployment[];
  logLines: string[];
  /** The method, client and request id of each call, in order. */
  calls: { method: string; client: string; requestId: string }[];
  /** How many waits for a deployment are open now. */
  waiting: number;
  /** How long a deployment takes for each of its steps, in milliseconds. */
  stepMs: number;
}

/** Makes the API with one token, sfp_good, that may do everything. */
export function makeApi(): TestApi {
  const api: TestApi = {
    connect: (credential) => transportOf(api, credential),
    tokens: new Map([['sfp_good', everyGrant]]),
    apps: new Map(),
    deployments: [],
    logLines: [],
    calls: [],
    waiting: 0,
    stepMs: 20,
  };
  return api;
}

function transportOf(api: TestApi, { token, client }: Credential): Transport {
  const headers: Interceptor = (next) => (req) => {
    req.header.set('authorization', `Bearer ${token}`);
    if (client) req.header.set('x-serverflow-client', `${client.name}/${client.version}`);
    return next(req);
  };
  return createRouterTransport((router) => routes(router, api), {
    transport: { interceptors: [headers] },
    router: { interceptors: [authenticate(api), validate] },
  });
}

function authenticate(api: TestApi): Interceptor {
  return (next) => (req) => {
    const token = req.header.get('authorization')?.replace('Bearer ', '') ?? '';
    if (!api.tokens.has(token)) {
      throw problem(
        Code.Unauthenticated,
        Reason.BAD_TOKEN,
        'The token is unknown, revoked or expired.',
      );
    }
    const { requestId = '' } = req.stream ? {} : (req.message as { requestId?: string });
    const client = req.header.get('x-serverflow-client') ?? '';
    api.calls.push({ method: req.method.name, client, requestId });
    return next(req);
  };
}

const validator = createValidator();
const validate: Interceptor = (next) => (req) => {
  if (!req.stream) {
    const { violations } = validator.validate(req.method.input, req.message);
    const [first] = violations ?? [];
    if (first) {
      throw problem(Code.InvalidArgument, Reason.INVALID_ARGUMENT, `${String(first)}.`);
    }
  }
  return next(req);
};

function problem(
  code: Code,
  reason: Reason,
  message: string,
  more: Parameters<typeof create<typeof ProblemSchema>>[1] = {},
): ConnectError {
  const value = { reason, next: 'Do it right.', requestId: 'req_1', ...more };
  return new ConnectError(message, code, undefined, [{ desc: ProblemSchema, value }]);
}

function routes(router: ConnectRouter, api: TestApi): void {
  const appOf = (name: string): App => {
    const app = api.apps.get(name);
    if (app) return app;
    throw problem(Code.NotFound, Reason.NOT_FOUND, `There is no app ${name}.`, {
      metadata: { resource: 'app', name },
      nextCall: {
        method: 'serverflow.app.v1.AppService/ListApps',
        argumentsJson: '{"pageSize":20}',
      },
    });
  };
  const deploymentOf = (app: string, number: number): Deployment => {
    const all = api.deployments.filter((one) => one.app === appOf(app).name);
    const found = number === 0 ? all.at(-1) : all.find((one) => one.number === number);
    if (!found)
      throw problem(Code.NotFound, Reason.NOT_FOUND, `There is no deployment #${number}.`);
    return found;
  };
  const tokenOf = (ctx: HandlerContext) =>
    api.tokens.get(ctx.requestHeader.get('authorization')?.replace('Bearer ', '') ?? '');

  router.service(AccountService, {
    getAccount: (_req, ctx) => ({ ...mutable(tokenOf(ctx)), tokenName: 'test' }),
  });
  router.service(AppService, {
    createApp(req) {
      const app = {
        name: req.name,
        id: `app_${req.name}`,
        project: 'main',
        environment: 'production',
      };
      if (!req.validateOnly) api.apps.set(req.name, { ...app, state: AppState.NEW } as App);
      return { app: { ...app, source: req.source!, state: AppState.NEW } };
    },
    getApp: (req) => ({ app: appOf(req.app) }),
    listApps({ pageSize, pageToken }) {
      const from = Number(pageToken || 0);
      const apps = [...api.apps.values()].slice(from, from + (pageSize || 50));
      const end = from + apps.length;
      return { apps, nextPageToken: end < api.apps.size ? String(end) : '' };
    },
    controlApp: (req) => ({ app: appOf(req.app), stateBefore: AppState.SERVING }),
  });
  router.service(LogService, {
    searchLogs({ app, limit, before }) {
      appOf(app);
      const end = before ? Number(before) : api.logLines.length;
      const from = Math.max(0, end - (limit || 100));
      const lines = api.logLines.slice(from, end).map((text, index) => ({
        number: from + index + 1,
        time: timestampFromMs(1_764_057_600_000 + (from + index) * 10),
        stream: LogStream.STDOUT,
        text,
      }));
      return { lines, before: from > 0 ? String(from) : '', cursor: String(api.logLines.length) };
    },
  });
  router.service(DeploymentService, {
    createDeployment(req) {
      const number = api.deployments.length + 1;
      const deployment = create(DeploymentSchema, {
        app: appOf(req.app).name,
        number,
        state: DeploymentState.RUNNING,
      });
      api.deployments.push(deployment);
      void run(deployment, api.stepMs);
      return { deployment: structuredClone(deployment) };
    },
    getDeployment: (req) => ({ deployment: deploymentOf(req.app, req.number) }),
    async waitDeployment(req, ctx) {
      const deployment = deploymentOf(req.app, req.number);
      const end = Date.now() + req.timeoutSeconds * 1000;
      api.waiting += 1;
      while (isRunning(deployment) && Date.now() < end && !ctx.signal.aborted) await pause(5);
      api.waiting -= 1;
      return { deployment: structuredClone(deployment), done: !isRunning(deployment) };
    },
    async *watchDeployment(req, ctx) {
      const deployment = deploymentOf(req.app, req.number);
      let last = '';
      while (!ctx.signal.aborted) {
        const now = JSON.stringify(deployment.steps.map(({ name, state }) => [name, state]));
        if (now !== last) yield { cursor: now, deployment: structuredClone(deployment) };
        last = now;
        if (!isRunning(deployment)) return;
        await pause(5);
      }
    },
  });
}

async function run(deployment: Deployment, stepMs: number): Promise<void> {
  for (const name of [StepName.FETCH, StepName.BUILD, StepName.SWITCH]) {
    const step = { $typeName: 'serverflow.deployment.v1.Step' as const, detail: '' };
    const startTime = timestampFromMs(Date.now());
    deployment.steps.push({ ...step, name, state: StepState.RUNNING, startTime });
    await pause(stepMs);
    const endTime = timestampFromMs(Date.now());
    deployment.steps.splice(-1, 1, { ...step, name, state: StepState.DONE, startTime, endTime });
  }
  deployment.releaseAfter = deployment.number;
  deployment.state = DeploymentState.SUCCEEDED;
}

function isRunning(deployment: Deployment): boolean {
  return deployment.state === DeploymentState.RUNNING;
}

function mutable(grant: Pick<Grant, 'permissions' | 'toolsets'> | undefined) {
  return { permissions: [...(grant?.permissions ?? [])], toolsets: [...(grant?.toolsets ?? [])] };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
