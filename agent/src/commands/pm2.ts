/** PM2's command line as argv arrays; nothing here runs anything. */

/** The environment PM2's own commands get: its home, no banner, no version check, no colours. */
export function pm2Env(home: string, path: string): Record<string, string> {
  return {
    PATH: path,
    HOME: home,
    PM2_HOME: home,
    PM2_DISCRETE_MODE: 'true',
    PM2_DISABLE_VERSION_CHECK: 'true',
    NO_COLOR: '1',
  };
}

/** Starts what an ecosystem file describes; the daemon too, where it does not run. */
export function pm2Start(pm2: string, ecosystemFile: string): string[] {
  return [pm2, 'start', ecosystemFile, '--silent'];
}

/** Ends and forgets one process, by PM2's own number for it. */
export function pm2Delete(pm2: string, pmId: number): string[] {
  return [pm2, 'delete', String(pmId), '--silent'];
}

/** Lists all processes as JSON. */
export function pm2List(pm2: string): string[] {
  return [pm2, 'jlist'];
}

/** Ends the daemon with all its processes. */
export function pm2Kill(pm2: string): string[] {
  return [pm2, 'kill', '--silent'];
}

/** Has the daemon open its log files again. */
export function pm2ReloadLogs(pm2: string): string[] {
  return [pm2, 'reloadLogs', '--silent'];
}

/** What an ecosystem file is made of. */
export type Pm2App = {
  readonly name: string;
  readonly node: string;
  readonly launcher: string;
  readonly specFile: string;
  readonly cwd: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly pidFile: string;
  readonly labels: Readonly<Record<string, string>>;
};

/**
 * An ecosystem file for one process in fork mode. The app's own environment is not in it: PM2 lets an app's variables
 * overwrite its own settings, so that a variable named `pm_exec_path` would choose the program. The launcher sets it.
 * A process that dies is started again after 0.1 s, then ever later, at most every 15 s.
 */
export function pm2Ecosystem(app: Pm2App): { apps: readonly Record<string, unknown>[] } {
  return {
    apps: [
      {
        name: app.name,
        script: app.node,
        args: ['--disable-warning=ExperimentalWarning', app.launcher, app.specFile],
        interpreter: 'none',
        exec_mode: 'fork',
        instances: 1,
        cwd: app.cwd,
        env: app.labels,
        out_file: app.stdout,
        error_file: app.stderr,
        pid_file: app.pidFile,
        merge_logs: true,
        autorestart: true,
        exp_backoff_restart_delay: 100,
        min_uptime: 2000,
        max_restarts: 50,
        kill_timeout: 5000,
        treekill: true,
        pmx: false,
        vizion: false,
        watch: false,
      },
    ],
  };
}

/** The part of PM2's list that the engine reads. */
export type Pm2Process = {
  readonly pmId: number;
  readonly name: string;
  readonly pid: number;
  readonly status: string;
  readonly restarts: number;
  readonly exitCode: number | undefined;
  readonly labels: { readonly app: string; readonly run: string };
};

/** Reads PM2's list; banners may come before the JSON. Throws when there is no list in it. */
export function parsePm2List(output: string): Pm2Process[] {
  for (let at = output.indexOf('['); at !== -1; at = output.indexOf('[', at + 1)) {
    const list = parseArray(output.slice(at));
    if (list) return list.flatMap(readProcess);
  }
  throw new Error('PM2 answered with something other than its list of processes');
}

function parseArray(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function readProcess(value: unknown): Pm2Process[] {
  const process = asRecord(value);
  const env = asRecord(process['pm2_env']);
  if (typeof process['pm_id'] !== 'number') return [];
  return [
    {
      pmId: process['pm_id'],
      name: String(process['name']),
      pid: typeof process['pid'] === 'number' ? process['pid'] : 0,
      status: String(env['status']),
      restarts: typeof env['restart_time'] === 'number' ? env['restart_time'] : 0,
      exitCode: typeof env['exit_code'] === 'number' ? env['exit_code'] : undefined,
      labels: { app: text(env['SERVERFLOW_APP']), run: text(env['SERVERFLOW_RUN']) },
    },
  ];
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
