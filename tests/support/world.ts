import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { DescService } from '@bufbuild/protobuf';
import { createClient, type Client, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { ServerState } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import type { Deployment } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';

const root = new URL('../..', import.meta.url).pathname;

/** The settings under which an app is deployed in a test: every wait is short. */
export const quick = {
  healthIntervalMs: 50,
  healthTimeoutMs: 1_000,
  healthPasses: 2,
  healthDeadlineMs: 8_000,
  bakeMs: 400,
  drainMs: 200,
  keepReleases: 5,
};

/** How long a deployment may take in a test before it counts as hanging, in milliseconds: a busy machine installs for minutes. */
const deployMs = 480_000;

/** What a world can be made of. */
export type WorldOptions = {
  front?: 'embedded' | 'nginx';
  /** More environment for the control plane. */
  env?: NodeJS.ProcessEnv;
  /** Lines for agent.toml beyond the short defaults. */
  agentToml?: string[];
  /** Lays a way between the agent and the control plane's port; returns the port at which the agent finds it, which is then the public one. */
  way?: (port: number) => Promise<number>;
};

/** A real control plane and a real agent, each a process of its own, enrolled by the ordinary ceremony. */
export type World = {
  readonly folder: string;
  readonly url: string;
  readonly port: number;
  readonly frontPort: number;
  /** The owner's api token and the token of an AI client. */
  readonly token: string;
  readonly mcpToken: string;
  readonly email: string;
  readonly password: string;
  /** A client that calls with the owner's api token. */
  readonly client: <S extends DescService>(service: S) => Client<S>;
  readonly agent: Part;
  readonly plane: Part;
  /** GETs a path of an app through its front, by host name. */
  readonly get: (host: string, path?: string) => Promise<{ status: number; body: string }>;
  /** Waits until the agent is on line. */
  readonly online: () => Promise<void>;
  /** Deploys and waits for the end. */
  readonly deploy: (app: string, ref?: string) => Promise<Deployment>;
  readonly close: () => Promise<void>;
};

/** A process of the world that can be ended and started again. */
export type Part = {
  readonly pid: () => number;
  readonly start: () => Promise<void>;
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>;
  /** What it printed so far. */
  readonly output: () => string;
};

/** Starts a world; close() ends every process it started, the front and PM2 included. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'serverflow-world-'));
  const [port, frontPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const publicUrl = options.way ? `http://127.0.0.1:${await options.way(port)}` : url;
  const password = 'correct horse battery';
  const file = (name: string) => join(folder, name);
  writeFileSync(file('password'), password, { mode: 0o600 });
  const state = file('agent');
  mkdirSync(state, { mode: 0o700 });
  writeFileSync(join(state, 'agent.toml'), agentToml(options, frontPort));
  writeFileSync(join(state, 'policy.toml'), 'repository_hosts = ["127.0.0.1"]\n');

  const planeEnv = {
    PATH: process.env['PATH'],
    SERVERFLOW_LISTEN: `127.0.0.1:${port}`,
    SERVERFLOW_PUBLIC_URL: publicUrl,
    SERVERFLOW_DATA: file('data'),
    SERVERFLOW_ADMIN_EMAIL: 'owner@example.com',
    SERVERFLOW_ADMIN_PASSWORD_FILE: file('password'),
    SERVERFLOW_WRITE_OWNER_TOKEN: file('owner-token'),
    SERVERFLOW_WRITE_MCP_TOKEN: file('mcp-token'),
    SERVERFLOW_WRITE_ENROLLMENT: file('enrollment'),
    SERVERFLOW_HEARTBEAT_MS: '500',
    SERVERFLOW_DEAD_AFTER_MS: '3000',
    ...options.env,
  };
  const plane = part('server/src/main.ts', [], planeEnv, async () => {
    await until('the control plane is ready', async () => (await fetch(`${url}/readyz`)).ok);
  });
  const agentEnv = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...networkEnv() };
  const agent = part('agent/src/main.ts', ['run', '--state', state], agentEnv, async () => {});

  await plane.start();
  await until('the enrolment token is there', async () => existsSync(file('enrollment')));
  await runToEnd(
    'agent/src/main.ts',
    ['enroll', '--state', state, '--control-plane', publicUrl, '--token-file', file('enrollment')],
    agentEnv,
  );
  await agent.start();

  const token = readFileSync(file('owner-token'), 'utf8').trim();
  const client: World['client'] = (service) => createClient(service, transportOf(url, token));
  const online = () =>
    until('the agent is on line', async () => {
      const { servers } = await client(ServerService).listServers({});
      return servers.some(
        (server) => server.state === ServerState.ONLINE && server.facts !== undefined,
      );
    });
  await online();
  return {
    folder,
    url,
    port,
    frontPort,
    token,
    mcpToken: readFileSync(file('mcp-token'), 'utf8').trim(),
    email: 'owner@example.com',
    password,
    client,
    agent,
    plane,
    online,
    get: (host, path = '/') => getThrough(frontPort, host, path),
    async deploy(app, ref = '') {
      const deployments = client(DeploymentService);
      const { deployment } = await deployments.createDeployment({ app, ref });
      const deadline = Date.now() + deployMs;
      for (;;) {
        const answer = await deployments.waitDeployment({ app, number: deployment!.number });
        if (answer.done) return answer.deployment!;
        if (Date.now() > deadline)
          throw new Error(
            `The deployment of ${app} hangs.\n${plane.output().slice(-3000)}\n${agent.output().slice(-3000)}`,
          );
      }
    },
    async close() {
      await removeApps(client);
      await agent.kill('SIGTERM');
      await plane.kill('SIGTERM');
      endLeftovers(folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Polls a condition until it holds; throws after 60 s, naming it. A condition that throws counts as not yet. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  ms = 60_000,
): Promise<void> {
  const deadline = Date.now() + ms;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (thrown) {
      last = thrown;
    }
    await pause(50);
  }
  throw new Error(`It took too long until ${what}.`, { cause: last });
}

/** The agent.toml of a test: every wait is short. */
export function agentToml(options: WorldOptions, frontPort: number): string {
  return [
    `front = "${options.front ?? 'embedded'}"`,
    `front_listen = "127.0.0.1:${frontPort}"`,
    'metrics_interval_ms = 500',
    'report_interval_ms = 300',
    'heartbeat_ms = 500',
    'dead_after_ms = 3000',
    'reconnect_min_ms = 50',
    'reconnect_max_ms = 400',
    'log_batch_ms = 50',
    ...(options.agentToml ?? []),
    '',
  ].join('\n');
}

/** How this machine reaches its package registry, for the installs of apps and their generators. */
export function networkEnv(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter((name) =>
    /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_file|npm_config_registry)$/i.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

/** A part of ours as a process of its own, started from its sources. */
export function part(
  file: string,
  argv: string[],
  env: NodeJS.ProcessEnv,
  ready: () => Promise<void>,
): Part {
  let child: ChildProcess | undefined;
  let output = '';
  return {
    pid: () => child?.pid ?? 0,
    output: () => output,
    async start() {
      child = spawn(process.execPath, [join(root, file), ...argv], {
        env,
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr])
        stream?.on(
          'data',
          (chunk: Buffer) => (output = (output + chunk.toString()).slice(-200_000)),
        );
      const ended = new Promise<never>((_, reject) =>
        child?.once('exit', (code) =>
          reject(new Error(`${file} ended with ${code}:\n${output.slice(-4000)}`)),
        ),
      );
      ended.catch(() => {});
      await Promise.race([ready(), ended]);
    },
    async kill(signal = 'SIGKILL') {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child?.once('exit', resolve));
      child.kill(signal);
      const hard = setTimeout(() => child?.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(hard);
    },
  };
}

/** Runs a part of ours to its end and returns what it printed; throws when it fails. */
export async function runToEnd(
  file: string,
  argv: string[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const child = spawn(process.execPath, [join(root, file), ...argv], {
    env,
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${file} ${argv[0]} ended with ${String(code)}:\n${output}`);
  return output;
}

function transportOf(url: string, token: string) {
  const send: Interceptor = (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  return createConnectTransport({ baseUrl: url, httpVersion: '1.1', interceptors: [send] });
}

/** One GET through a front; a GET refused on a reused connection is not at issue, for each uses a fresh one. */
export async function getThrough(
  port: number,
  host: string,
  path: string,
): Promise<{ status: number; body: string }> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, headers: { host }, agent: false },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    asked.once('error', reject).end();
  });
}

async function removeApps(client: World['client']): Promise<void> {
  try {
    const { apps } = await client(AppService).listApps({});
    for (const app of apps) await client(AppService).deleteApp({ app: app.name });
    await pause(apps.length > 0 ? 500 : 0);
  } catch {
    // The control plane may be down on purpose; endLeftovers ends what it left.
  }
}

/** Ends the processes (PM2's daemon, apps, fronts) whose environment or command line names this world's own folder. */
export function endLeftovers(folder: string): void {
  const { readdirSync } = process.getBuiltinModule('node:fs');
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const pid = Number(name);
    if (pid === process.pid) continue;
    try {
      const text =
        readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
      if (text.includes(`${folder}/`)) process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile, or is not ours to see.
    }
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
