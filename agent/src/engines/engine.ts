/** What an engine is asked to keep running: one release of one app. */
export type RunSpec = {
  readonly appId: string;
  readonly name: string;
  readonly release: number;
  /** Tells two runs of one release apart, as a restart beside the old process needs; 0 by default. */
  readonly instance?: number;
  /** The folder of the release. */
  readonly cwd: string;
  /** The program first, as an absolute path; then its arguments. Nothing in it is secret. */
  readonly argv: readonly string[];
  /** The whole environment but PM2's own additions; the only place for secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** The port the app was told to listen on, on 127.0.0.1. */
  readonly port: number;
};

/** How one release runs right now, measured. */
export type RunState = {
  /** 0 while there is no process. */
  readonly pid: number;
  readonly up: boolean;
  /** How often it was started again by the engine since `start`. */
  readonly restarts: number;
  readonly exitCode?: number;
  readonly startedAtMs: number;
};

/** What an engine lists: a release it was told to run, with its state. */
export type Run = {
  readonly appId: string;
  readonly name: string;
  readonly release: number;
  readonly instance: number;
  readonly port: number;
  readonly state: RunState;
};

/** What was brought back, in one sentence for the app's log. */
export type Repair = { readonly appId: string; readonly said: string };

/** Paths of the files that a release's output goes to; the tail in logs/ reads them. */
export type LogFiles = { readonly stdout: string; readonly stderr: string };

/** What a person may ask of a service. */
export type ServiceControl = 'start' | 'stop' | 'restart' | 'reload';

/** How a service is: whether it runs, with its version or the reason it does not. */
export type ServiceHealth = { readonly running: boolean; readonly detail: string };

/** Keeps releases of apps running, in processes that outlive the agent. It touches only what it labelled itself. */
export type Engine = {
  /** Starts a release and returns once the engine has it; whether it is healthy is for the gate to say. */
  start(spec: RunSpec, signal?: AbortSignal): Promise<void>;
  /** Ends a release's processes and forgets it; nothing happens when there is none. */
  stop(appId: string, release: number, instance?: number): Promise<void>;
  /** Cheap while nothing changed, so it may be polled. */
  state(appId: string, release: number, instance?: number): Promise<RunState | undefined>;
  list(): Promise<Run[]>;
  logFiles(appId: string, release: number, instance?: number): LogFiles;
  /** Has the log files opened again after they were renamed. */
  reopenLogs(): Promise<void>;
  control(action: ServiceControl): Promise<void>;
  status(): Promise<ServiceHealth>;
  /**
   * Brings back releases that should run and that the engine lost, such as after a reboot or when its daemon was killed.
   * Nothing happens when all is well or when the engine was stopped by an order.
   */
  repair(): Promise<Repair[]>;
};
