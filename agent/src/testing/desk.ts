import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AppKind,
  type AppSpec,
  type Order,
  type Settings as AppSettings,
} from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import type {
  AppReport,
  DeploymentReport,
  StepReport,
} from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { readSettings } from '../config.ts';
import type { Context, ReportBody } from '../context.ts';
import { OPEN_POLICY } from '../policy.ts';
import { Redactor } from '../redact.ts';
import { machineOf } from '../verbs/machine.ts';

/** Settings of an app with which a deployment takes a second, not minutes. */
export const SHORT: AppSettings = {
  buildScript: '',
  startScript: '',
  outputDirectory: '',
  healthPath: '/',
  healthIntervalMs: 50,
  healthTimeoutMs: 500,
  healthPasses: 2,
  healthDeadlineMs: 15_000,
  bakeMs: 300,
  drainMs: 100,
  keepReleases: 5,
  buildTimeoutMs: 60_000,
};

/** An agent's context without a control plane: reports are collected, variables are opened by reading them. */
export type TestDesk = {
  readonly context: Context;
  readonly reports: ReportBody[];
  readonly steps: (deploymentId: string) => StepReport[];
  readonly end: (deploymentId: string) => DeploymentReport | undefined;
  readonly app: (appId: string) => AppReport | undefined;
  /** The lines of a deployment's log. */
  readonly log: (deploymentId: string) => string[];
  /** Where the front answers. */
  readonly frontPort: number;
  /** GETs a path under a host name from the front. */
  readonly get: (hostname: string, path?: string) => Promise<{ status: number; body: string }>;
  readonly close: () => Promise<void>;
};

/** Makes a context on a state folder, with a front on a port of its own. */
export async function makeDesk(
  front: 'embedded' | 'nginx',
  state = mkdtempSync(join(tmpdir(), 'sf-')),
  frontPort?: number,
): Promise<TestDesk> {
  const port = frontPort ?? (await freePort());
  writeFileSync(join(state, 'agent.toml'), `front = "${front}"\n`);
  const settings = readSettings(
    { state, controlPlane: 'http://127.0.0.1:9' },
    { PATH: '/usr/local/bin:/usr/bin:/bin', SERVERFLOW_FRONT_LISTEN: `127.0.0.1:${port}` },
  );
  const reports: ReportBody[] = [];
  const context: Context = {
    settings,
    policy: { ...OPEN_POLICY, repositoryHosts: ['127.0.0.1'] },
    redactor: new Redactor(),
    report: (body) => {
      reports.push(body);
    },
    openVariable: (_appId, { sealed }) => {
      const text = Buffer.from(sealed).toString();
      if (!text.startsWith('sealed:')) throw new Error('not sealed to this agent');
      return text.slice('sealed:'.length);
    },
  };
  const of = <K extends ReportBody['$case']>(kind: K) =>
    reports.flatMap((body) =>
      body.$case === kind ? [body.value as Extract<ReportBody, { $case: K }>['value']] : [],
    );
  return {
    context,
    reports,
    steps: (id) => of('step').filter((step) => step.deploymentId === id),
    end: (id) => of('deployment').findLast((report) => report.deploymentId === id),
    app: (id) => of('app').findLast((report) => report.appId === id),
    log: (id) =>
      of('log')
        .filter((chunk) => chunk.deploymentId === id)
        .flatMap((chunk) => chunk.lines.map((line) => line.text)),
    frontPort: port,
    get: (hostname, path = '/') => get(port, hostname, path),
    close: async () => {
      const { engine, front: served } = machineOf(context);
      await engine.control('stop');
      await served.control('stop');
      rmSync(state, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A deployment's number, which is its id too, beside what is deployed. */
export type DeployOrder = {
  readonly app: AppSpec;
  readonly release: number;
  readonly ref?: string;
  readonly variables?: Readonly<Record<string, string>>;
};

/** The order that deploys a release; its deployment's id is the app's with the release's number. */
export const deployOrder = ({ app, release, ref = '', variables = {} }: DeployOrder): Order =>
  orderOf({
    $case: 'deploy',
    value: {
      app,
      deploymentId: `${app.appId}-${release}`,
      release,
      ref,
      variables: Object.entries(variables).map(([name, value]) => ({
        name,
        sealed: Buffer.from(`sealed:${value}`),
        version: 1,
      })),
      variablesVersion: 1,
    },
  });

/** The files of a small Node app without packages; it says its text, and what its variable GREETING adds. */
export const nodeApp = (text: string): Record<string, string> => ({
  'package.json': JSON.stringify({
    name: 'app',
    version: '1.0.0',
    scripts: { start: 'node server.js' },
  }),
  'server.js': `
const { createServer } = require('node:http');
const text = ${JSON.stringify(text)} + (process.env.GREETING ?? '');
createServer((request, response) => response.end(text)).listen(process.env.PORT, process.env.HOST);
console.log('listening', process.env.GREETING);`,
});

/** An app as an order names it. */
export const appSpec = (
  appId: string,
  repository: string,
  settings: Partial<AppSettings> = {},
): AppSpec => ({
  appId,
  name: appId,
  kind: AppKind.APP_KIND_UNSPECIFIED,
  repository,
  directory: '',
  settings: { ...SHORT, ...settings },
  domains: [],
});

/** An order that carries an action; its envelope was checked before actions are asked. */
export const orderOf = (action: NonNullable<Order['action']>): Order => ({
  agentId: 'agent',
  tenantId: 'tenant',
  sessionId: Buffer.alloc(32),
  sequence: 1n,
  orderId: '01890000-0000-7000-8000-000000000000',
  issuedAtMs: 0n,
  expiresAtMs: 0n,
  keySetVersion: 1,
  action,
});

/** A port of 127.0.0.1 on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function get(port: number, hostname: string, path: string) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port, path, headers: { host: hostname }, agent: false, timeout: 5000 },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      },
    );
    call.on('timeout', () => call.destroy(new Error('no answer within 5 s')));
    call.on('error', reject);
    call.end();
  });
}
