import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The settings of the control plane, read once from the environment; nobody else reads it. */
export type Config = {
  /** Where to listen, SERVERFLOW_LISTEN. */
  readonly host: string;
  readonly port: number;
  /** The address that everything outside uses, SERVERFLOW_PUBLIC_URL, without a slash at its end. */
  readonly publicUrl: string;
  /** The folder of all state, SERVERFLOW_DATA. */
  readonly data: string;
  /** The file of the domain's database, DATABASE_URL=file:…. */
  readonly databaseFile: string;
  /** The folder of the built dashboard. */
  readonly web: string;
  /** The first person, made without a page: SERVERFLOW_ADMIN_EMAIL and SERVERFLOW_ADMIN_PASSWORD(_FILE). */
  readonly admin: { readonly email: string; readonly password: string } | undefined;
  /** Where the first start writes an owner's api token and an mcp token: SERVERFLOW_WRITE_OWNER_TOKEN, SERVERFLOW_WRITE_MCP_TOKEN. */
  readonly writeOwnerToken: string | undefined;
  readonly writeMcpToken: string | undefined;
  /** Where the set-up of the first person writes an enrolment token for a server named "local": SERVERFLOW_WRITE_ENROLLMENT. */
  readonly writeEnrollment: string | undefined;
  /** The passphrase of the root key's recovery file, SERVERFLOW_ROOT_PASSPHRASE(_FILE). */
  readonly rootPassphrase: string | undefined;
  /** Whether /sse is served, SERVERFLOW_SSE (on by default). */
  readonly sse: boolean;
  /** The least level that is logged, SERVERFLOW_LOG_LEVEL: debug, info, warn or error. */
  readonly logLevel: string;
  /** Between two heartbeats on a stream, SERVERFLOW_HEARTBEAT_MS. */
  readonly heartbeatMs: number;
  /** Silence after which an agent counts as gone, SERVERFLOW_DEAD_AFTER_MS. */
  readonly deadAfterMs: number;
  /** How long a call waits for an order's receipt, SERVERFLOW_ORDER_WAIT_MS. */
  readonly orderWaitMs: number;
  /** How often a stream looks whether its credential still holds, SERVERFLOW_RECHECK_MS. */
  readonly recheckMs: number;
};

const names = [
  'SERVERFLOW_LISTEN',
  'SERVERFLOW_PUBLIC_URL',
  'SERVERFLOW_DATA',
  'SERVERFLOW_WEB',
  'SERVERFLOW_ADMIN_EMAIL',
  'SERVERFLOW_ADMIN_PASSWORD',
  'SERVERFLOW_ADMIN_PASSWORD_FILE',
  'SERVERFLOW_WRITE_OWNER_TOKEN',
  'SERVERFLOW_WRITE_MCP_TOKEN',
  'SERVERFLOW_WRITE_ENROLLMENT',
  'SERVERFLOW_ROOT_PASSPHRASE',
  'SERVERFLOW_ROOT_PASSPHRASE_FILE',
  'SERVERFLOW_SSE',
  'SERVERFLOW_LOG_LEVEL',
  'SERVERFLOW_HEARTBEAT_MS',
  'SERVERFLOW_DEAD_AFTER_MS',
  'SERVERFLOW_ORDER_WAIT_MS',
  'SERVERFLOW_RECHECK_MS',
] as const;
type Name = (typeof names)[number] | 'DATABASE_URL';

/** Names that belong to the agent, to the start script and to the tests. */
const foreign = [
  'SERVERFLOW_ENROLL_TOKEN',
  'SERVERFLOW_FRONT_LISTEN',
  'SERVERFLOW_STATE',
  'SERVERFLOW_SPECS',
];

/** A setting that cannot be used; its message says what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the settings; throws ConfigError for an unknown SERVERFLOW_ name (with the nearest one) or a bad value. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  refuseUnknown(env);
  const text = (name: Name) => env[name] || undefined;
  const { host, port } = readListen(text('SERVERFLOW_LISTEN') ?? '127.0.0.1:7300');
  const data = resolve(text('SERVERFLOW_DATA') ?? 'data');
  return Object.freeze({
    host,
    port,
    publicUrl: readPublicUrl(text('SERVERFLOW_PUBLIC_URL') ?? `http://localhost:${port}`, host),
    data,
    databaseFile: readDatabase(text('DATABASE_URL'), data),
    web: resolve(text('SERVERFLOW_WEB') ?? new URL('../../web/build', import.meta.url).pathname),
    admin: readAdmin(text('SERVERFLOW_ADMIN_EMAIL'), secret(env, 'SERVERFLOW_ADMIN_PASSWORD')),
    writeOwnerToken: text('SERVERFLOW_WRITE_OWNER_TOKEN'),
    writeMcpToken: text('SERVERFLOW_WRITE_MCP_TOKEN'),
    writeEnrollment: text('SERVERFLOW_WRITE_ENROLLMENT'),
    rootPassphrase: secret(env, 'SERVERFLOW_ROOT_PASSPHRASE'),
    sse: oneOf('SERVERFLOW_SSE', text('SERVERFLOW_SSE') ?? 'on', ['on', 'off']) === 'on',
    logLevel: oneOf('SERVERFLOW_LOG_LEVEL', text('SERVERFLOW_LOG_LEVEL') ?? 'info', [
      'debug',
      'info',
      'warn',
      'error',
      'silent',
    ]),
    heartbeatMs: count('SERVERFLOW_HEARTBEAT_MS', text('SERVERFLOW_HEARTBEAT_MS'), 15_000),
    deadAfterMs: count('SERVERFLOW_DEAD_AFTER_MS', text('SERVERFLOW_DEAD_AFTER_MS'), 45_000),
    orderWaitMs: count('SERVERFLOW_ORDER_WAIT_MS', text('SERVERFLOW_ORDER_WAIT_MS'), 30_000),
    recheckMs: count('SERVERFLOW_RECHECK_MS', text('SERVERFLOW_RECHECK_MS'), 1_000),
  });
}

function refuseUnknown(env: NodeJS.ProcessEnv): void {
  const known: readonly string[] = [...names, ...foreign];
  for (const name of Object.keys(env)) {
    if (
      !name.startsWith('SERVERFLOW_') ||
      name.startsWith('SERVERFLOW_TEST_') ||
      known.includes(name)
    )
      continue;
    const nearest = known.toSorted((a, b) => distance(a, name) - distance(b, name))[0];
    throw new ConfigError(`${name} is not a setting of ServerFlow. Did you mean ${nearest}?`);
  }
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[b.length]!;
}

function readListen(value: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:]+)):([0-9]{1,5})$/i.exec(value);
  const port = Number(match?.[3]);
  if (!match || port > 65_535)
    throw new ConfigError(`SERVERFLOW_LISTEN=${value} is not an address such as 127.0.0.1:7300.`);
  return { host: (match[1] ?? match[2])!, port };
}

function readPublicUrl(value: string, host: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (
    !url ||
    !/^https?:$/.test(url.protocol) ||
    url.pathname !== '/' ||
    url.search ||
    url.username
  ) {
    throw new ConfigError(
      `SERVERFLOW_PUBLIC_URL=${value} is not an address such as https://flow.example.com.`,
    );
  }
  const loopback = /^(127\.|localhost$|::1$)/.test(host);
  if (!loopback && url.protocol !== 'https:') {
    throw new ConfigError(
      `Listening on ${host} would send passwords in clear. Put a proxy with TLS in front and set SERVERFLOW_PUBLIC_URL=https://…, or listen on 127.0.0.1.`,
    );
  }
  return url.origin;
}

function readDatabase(value: string | undefined, data: string): string {
  if (value === undefined) return join(data, 'serverflow.db');
  if (!value.startsWith('file:') || value.length < 6)
    throw new ConfigError('DATABASE_URL must be a SQLite file, such as file:./data/serverflow.db.');
  return value === 'file::memory:'
    ? ':memory:'
    : resolve(value.slice('file:'.length).replace(/^\/\/(?=\/)/, ''));
}

function readAdmin(email: string | undefined, password: string | undefined): Config['admin'] {
  if (!email && !password) return undefined;
  if (!email || !password)
    throw new ConfigError(
      'SERVERFLOW_ADMIN_EMAIL and SERVERFLOW_ADMIN_PASSWORD_FILE go together: set both or none.',
    );
  if (password.length < 12 || password.length > 200)
    throw new ConfigError(
      'The password of SERVERFLOW_ADMIN_PASSWORD_FILE must have 12 to 200 characters.',
    );
  return { email: email.toLowerCase(), password };
}

function secret(
  env: NodeJS.ProcessEnv,
  name: 'SERVERFLOW_ADMIN_PASSWORD' | 'SERVERFLOW_ROOT_PASSPHRASE',
): string | undefined {
  const file = env[`${name}_FILE`];
  if (!file) return env[name] || undefined;
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch {
    throw new ConfigError(`${name}_FILE=${file} cannot be read.`);
  }
}

function oneOf(name: Name, value: string, allowed: string[]): string {
  if (!allowed.includes(value))
    throw new ConfigError(`${name}=${value} must be one of ${allowed.join(', ')}.`);
  return value;
}

function count(name: Name, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!/^[0-9]{1,9}$/.test(value) || Number(value) === 0)
    throw new ConfigError(`${name}=${value} must be a number of milliseconds above 0.`);
  return Number(value);
}
