import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';
import { Complaint } from './complaint.ts';
import { nearest } from './nearest.ts';

/** The version of this agent, as its package states it. */
export const AGENT_VERSION = '0.1.0';

/** The programs that the agent runs: absolute paths, or the bare name where none was found. */
export type Programs = {
  readonly git: string;
  readonly node: string;
  readonly npm: string;
  readonly pm2: string;
  /** Undefined where the machine has no nginx. */
  readonly nginx: string | undefined;
};

/** Every setting of the agent, parsed once; all times are in milliseconds, all sizes in bytes. */
export type Settings = {
  /** The folder of all state; 0700. */
  readonly state: string;
  /** The folder of the apps, <state>/apps. */
  readonly apps: string;
  /** The address of the control plane; always an origin, without a path. */
  readonly controlPlane: URL;
  /** The file policy.toml; it may be absent. */
  readonly policyFile: string;
  /** What answers for the apps, and where it listens. */
  readonly front: {
    readonly kind: 'auto' | 'nginx' | 'embedded';
    readonly listen: { readonly host: string; readonly port: number };
  };
  readonly programs: Programs;
  /** The PATH in which programs were looked for, for those that look for others. */
  readonly searchPath: string;
  /** What of the agent's environment git, npm and builds are given: how this machine reaches the network. */
  readonly network: Readonly<Record<string, string>>;
  readonly metricsIntervalMs: number;
  readonly reportIntervalMs: number;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly handshakeTimeoutMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly shutdownMs: number;
  readonly spoolMaxBytes: number;
  /** How many lines a log chunk holds at most. */
  readonly logBatchLines: number;
  /** How long a log line waits for others at most. */
  readonly logBatchMs: number;
};

/** The keys of agent.toml and the setting that each one is. */
const NUMBERS = {
  metrics_interval_ms: ['metricsIntervalMs', 30_000, 100, 3_600_000],
  report_interval_ms: ['reportIntervalMs', 5_000, 50, 3_600_000],
  heartbeat_ms: ['heartbeatMs', 15_000, 20, 600_000],
  dead_after_ms: ['deadAfterMs', 45_000, 50, 3_600_000],
  handshake_timeout_ms: ['handshakeTimeoutMs', 10_000, 50, 60_000],
  reconnect_min_ms: ['reconnectMinMs', 1_000, 10, 600_000],
  reconnect_max_ms: ['reconnectMaxMs', 30_000, 10, 3_600_000],
  shutdown_ms: ['shutdownMs', 5_000, 10, 600_000],
  spool_max_bytes: ['spoolMaxBytes', 64 * 1024 * 1024, 64 * 1024, 16 * 1024 ** 3],
  log_batch_lines: ['logBatchLines', 500, 1, 500],
  log_batch_ms: ['logBatchMs', 200, 5, 60_000],
} as const;
const TEXTS = ['control_plane', 'front', 'front_listen', 'git', 'npm', 'pm2', 'nginx'] as const;

/** Variables that say how a machine reaches the network: proxies, its own certificates, its npm registry. */
const NETWORK =
  /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(file|dir)|git_ssl_cainfo|npm_config_registry)$/i;

function readNetwork(env: Environment): Readonly<Record<string, string>> {
  const entries = Object.entries(env).filter(([name]) => NETWORK.test(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}

/** What the command line says about where things are. */
export type Flags = {
  readonly state?: string;
  readonly config?: string;
  readonly controlPlane?: string;
};

/** The environment, as the process was given it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process; nothing else reads it. */
export const processEnvironment = (): Environment => process.env;

/** The files of one agent: known even before it is enrolled. */
export type Places = {
  readonly state: string;
  readonly configFile: string;
  readonly policyFile: string;
};

/** Says where the state, agent.toml and policy.toml are; policy.toml lies beside agent.toml. */
export function places(flags: Flags, env: Environment): Places {
  const base = env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  const state = resolve(flags.state ?? join(base, 'serverflow-agent'));
  const configFile = resolve(flags.config ?? join(state, 'agent.toml'));
  if (flags.config !== undefined && !existsSync(configFile)) {
    throw new Complaint(
      'NO_CONFIG',
      `There is no file ${configFile}; name an existing one with --config.`,
    );
  }
  return { state, configFile, policyFile: join(dirname(configFile), 'policy.toml') };
}

/** Reads all settings: command line before environment before agent.toml before what enrolment wrote; throws a Complaint. */
export function readSettings(flags: Flags, env: Environment): Settings {
  const where = places(flags, env);
  const table = readTable(where.configFile);
  const address =
    flags.controlPlane ?? text(table, 'control_plane') ?? enrolledAddress(where.state);
  if (address === undefined) {
    throw new Complaint(
      'NO_CONTROL_PLANE',
      'The address of the control plane is not known; give it with --control-plane, as the dashboard shows it.',
    );
  }
  const kind = parseFront(text(table, 'front') ?? 'auto');
  const listen = env['SERVERFLOW_FRONT_LISTEN'] ?? text(table, 'front_listen') ?? '127.0.0.1:7380';
  const numbers = readNumbers(table);
  if (
    numbers.deadAfterMs <= numbers.heartbeatMs ||
    numbers.reconnectMaxMs < numbers.reconnectMinMs
  ) {
    throw new Complaint(
      'BAD_CONFIG',
      'dead_after_ms must be above heartbeat_ms, and reconnect_max_ms not below reconnect_min_ms.',
    );
  }
  const searchPath = env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  return Object.freeze({
    state: where.state,
    apps: join(where.state, 'apps'),
    policyFile: where.policyFile,
    controlPlane: parseControlPlane(address),
    front: { kind, listen: parseListen(listen) },
    programs: findPrograms(searchPath, (name) => text(table, name)),
    searchPath,
    network: readNetwork(env),
    ...numbers,
  });
}

/** Where enrolment keeps the control plane's address, so that `run` needs no argument. */
export const addressFile = (state: string): string => join(state, 'control-plane');

/** Parses the control plane's address; only http and https origins are taken. */
export function parseControlPlane(address: string): URL {
  const url = URL.parse(address);
  const isOrigin =
    url !== null &&
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.pathname === '/' &&
    url.username + url.password + url.search + url.hash === '';
  if (!isOrigin) {
    throw new Complaint(
      'BAD_CONTROL_PLANE',
      `"${address.replace(/\/\/.*@/, '//…@')}" is no address of a control plane; give one such as https://serverflow.example.com.`,
    );
  }
  return url;
}

/** The address that enrolment kept; undefined means that there is none. */
export function enrolledAddress(state: string): string | undefined {
  const file = addressFile(state);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

function parseFront(front: string): Settings['front']['kind'] {
  if (front === 'auto' || front === 'nginx' || front === 'embedded') return front;
  throw new Complaint('BAD_CONFIG', `front is "${front}"; it must be auto, nginx or embedded.`);
}

function parseListen(listen: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$/.exec(listen);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port < 1 || port > 65_535) {
    throw new Complaint(
      'BAD_CONFIG',
      `"${listen}" is no address to listen on; give one such as 127.0.0.1:7380.`,
    );
  }
  return { host: match[1], port };
}

type Table = Readonly<Record<string, unknown>>;

function readTable(file: string): Table {
  if (!existsSync(file)) return {};
  let table: Table;
  try {
    table = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Complaint('BAD_CONFIG', `${file} cannot be read: ${firstLine(error)}; correct it.`);
  }
  const known = [...Object.keys(NUMBERS), ...TEXTS];
  for (const key of Object.keys(table)) {
    if (!known.includes(key)) {
      throw new Complaint(
        'BAD_CONFIG',
        `${file} has the unknown key ${key}; did you mean ${nearest(key, known)}?`,
      );
    }
  }
  return table;
}

function text(table: Table, key: string): string | undefined {
  const value = table[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') {
    throw new Complaint('BAD_CONFIG', `${key} in agent.toml must be a text in quotes.`);
  }
  return value;
}

type Numbers = { readonly [K in keyof typeof NUMBERS as (typeof NUMBERS)[K][0]]: number };

function readNumbers(table: Table): Numbers {
  const entries = Object.entries(NUMBERS).map(([key, [name, fallback, min, max]]) => {
    const value = table[key] ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw new Complaint(
        'BAD_CONFIG',
        `${key} in agent.toml must be a whole number from ${min} to ${max}.`,
      );
    }
    return [name, value];
  });
  return Object.fromEntries(entries) as Numbers;
}

function findPrograms(
  searchPath: string,
  chosen: (name: (typeof TEXTS)[number]) => string | undefined,
): Programs {
  const folders = searchPath.split(':').filter((folder) => folder.startsWith('/'));
  const system = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];
  const find = (name: string, first: string[] = []): string | undefined =>
    [...first, ...folders, ...system].map((folder) => join(folder, name)).find(isFile);
  return {
    node: process.execPath,
    git: chosen('git') ?? find('git') ?? 'git',
    npm: chosen('npm') ?? find('npm') ?? 'npm',
    pm2: chosen('pm2') ?? find('pm2', binFolders()) ?? 'pm2',
    nginx: chosen('nginx') ?? find('nginx'),
  };
}

/** The node_modules/.bin folders from this file upwards: where npm puts PM2. */
function binFolders(): string[] {
  const found: string[] = [];
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    found.push(join(folder, 'node_modules', '.bin'));
  }
  return found;
}

const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
