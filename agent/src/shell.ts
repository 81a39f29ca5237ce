import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

/** A line longer than this is cut into pieces, in characters; the bound of a log line in the contract. */
const LINE_LENGTH = 16 * 1024;
/** How long a group has between SIGTERM and SIGKILL, in milliseconds. */
const TERM_GRACE_MS = 3000;
/** How long output may still come after the program has ended, in milliseconds. */
const PIPE_GRACE_MS = 1000;

/** Where a line of a program's output came from. */
export type Stream = 'stdout' | 'stderr';

/** How a program is run; nothing of the agent's own environment goes along. */
export type RunOptions = {
  readonly cwd?: string;
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  /** After this long its process group is ended, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends its process group when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Hears each line as it comes, without its line break. */
  readonly onLine?: ((stream: Stream, line: string) => void) | undefined;
  /** Hears the process id, which is also the process group's, as soon as there is one. */
  readonly onSpawn?: ((pid: number) => void) | undefined;
  /** How much of the end of each stream is kept, in characters; 256 KiB unless given. */
  readonly maxOutput?: number;
};

/** How a program ended. */
export type RunResult = {
  /** Its exit code, or null where a signal ended it or it could not be started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of its standard output, at most `maxOutput` characters. */
  readonly stdout: string;
  /** The end of its standard error, or why it could not be started. */
  readonly stderr: string;
  readonly isTimedOut: boolean;
  readonly isAborted: boolean;
};

/**
 * Runs a program to its end and never throws for how it ended. The program leads a process group of
 * its own; when time is up or the signal aborts, and also when the program ends and leaves children
 * behind in it, the whole group is ended: SIGTERM first, SIGKILL after 3 s.
 */
export function run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
  const [program, ...rest] = argv;
  if (program === undefined) throw new Error('nothing to run: argv is empty');
  if (options.signal?.aborted === true) return Promise.resolve(ended({ isAborted: true }));
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    shell: false,
  });
  return new Promise((resolve) => {
    const stdout = reader('stdout', options);
    const stderr = reader('stderr', options);
    let isTimedOut = false;
    let isAborted = false;
    let spawnError: Error | undefined;
    let killTimer: NodeJS.Timeout | undefined;
    let pipeTimer: NodeJS.Timeout | undefined;
    const end = () => {
      signalGroup(child, 'SIGTERM');
      killTimer ??= setTimeout(() => signalGroup(child, 'SIGKILL'), TERM_GRACE_MS);
    };
    const abort = () => {
      isAborted = true;
      end();
    };
    const timer = setTimeout(() => {
      isTimedOut = true;
      end();
    }, options.timeoutMs);
    options.signal?.addEventListener('abort', abort, { once: true });
    child.stdout.on('data', stdout.take);
    child.stderr.on('data', stderr.take);
    if (child.pid !== undefined) options.onSpawn?.(child.pid);
    child.once('error', (error) => {
      spawnError = error;
    });
    child.once('exit', () => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      // Whatever the program left behind in its group would hold the pipes open and run on unseen.
      signalGroup(child, 'SIGKILL');
      pipeTimer = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, PIPE_GRACE_MS);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      clearTimeout(pipeTimer);
      options.signal?.removeEventListener('abort', abort);
      const result = { stdout: stdout.end(), stderr: stderr.end(), isTimedOut, isAborted };
      if (spawnError !== undefined) {
        resolve(ended({ ...result, stderr: `${program}: ${spawnError.message}` }));
      } else resolve(ended({ ...result, code, signal }));
    });
  });
}

/** How a program that outlives the agent is started. */
export type DetachedOptions = {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
  /** The file to which both its outputs are appended; they are thrown away when it is left out. */
  readonly logFile?: string | undefined;
};

/** Starts a program in a session of its own, so that it outlives the agent; resolves to its process id, rejects when it cannot be started. */
export function spawnDetached(argv: readonly string[], options: DetachedOptions): Promise<number> {
  const [program, ...rest] = argv;
  if (program === undefined) throw new Error('nothing to run: argv is empty');
  const output = options.logFile === undefined ? 'ignore' : openSync(options.logFile, 'a', 0o600);
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: ['ignore', output, output],
    detached: true,
    shell: false,
  });
  if (typeof output === 'number') closeSync(output);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      child.unref();
      resolve(child.pid as number);
    });
  });
}

function ended(known: Partial<RunResult>): RunResult {
  const none = { code: null, signal: null, stdout: '', stderr: '' };
  return { ...none, isTimedOut: false, isAborted: false, ...known };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
}

/** Collects the end of a stream and hands on its lines; characters split between chunks stay whole. */
function reader(stream: Stream, options: RunOptions) {
  const maxOutput = options.maxOutput ?? 256 * 1024;
  const decoder = new StringDecoder('utf8');
  let kept = '';
  let partial = '';
  const push = (text: string) => {
    kept = (kept + text).slice(-maxOutput);
    if (options.onLine === undefined) return;
    const lines = (partial + text).split(/\r\n|\n|\r(?!$)/);
    partial = lines.pop() ?? '';
    for (const line of lines) emit(line);
    while (partial.length > LINE_LENGTH) {
      options.onLine(stream, partial.slice(0, LINE_LENGTH));
      partial = partial.slice(LINE_LENGTH);
    }
  };
  const emit = (line: string) => {
    for (let at = 0; at === 0 || at < line.length; at += LINE_LENGTH)
      options.onLine?.(stream, line.slice(at, at + LINE_LENGTH));
  };
  return {
    take: (chunk: Buffer) => push(decoder.write(chunk)),
    end: () => {
      push(decoder.end());
      if (partial !== '') emit(partial.replace(/\r$/, ''));
      partial = '';
      return kept;
    },
  };
}
