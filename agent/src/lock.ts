import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Complaint } from './complaint.ts';

/** A running process, told apart from a later one with the same number. */
type Holder = { readonly pid: number; readonly startedAt: string };

const fileOf = (state: string): string => join(state, 'lock');

/** Takes the state folder for this process; throws a Complaint ALREADY_RUNNING when another agent runs on it. Returns how to give it back. */
export function takeLock(state: string): () => void {
  const file = fileOf(state);
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, startedAt: startOf(process.pid) }), {
    mode: 0o600,
  });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (tryLink(own, file)) return () => rmSync(file, { force: true });
      const holder = lockHolder(state);
      if (holder !== undefined) throw alreadyRunning(state, holder.pid);
      setAside(state, `${own}.stale`);
    }
    throw alreadyRunning(state, undefined);
  } finally {
    rmSync(own, { force: true });
  }
}

/** Moves away what an agent that was killed left behind; of two that find it, one succeeds. */
function setAside(state: string, stale: string): void {
  try {
    renameSync(fileOf(state), stale);
    // Another one may have taken the lock between the look and the rename: it gets it back.
    if (readHolder(stale) !== undefined) linkSync(stale, fileOf(state));
    rmSync(stale, { force: true });
  } catch {
    // Another one was faster; the next attempt sees its lock.
  }
}

/** Returns the agent that runs on a state folder; undefined means none. */
export const lockHolder = (state: string): Holder | undefined => readHolder(fileOf(state));

function readHolder(file: string): Holder | undefined {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, 'utf8')) as Holder;
    return startedAt !== '' && startOf(pid) === startedAt ? { pid, startedAt } : undefined;
  } catch {
    return undefined;
  }
}

/** When a process started, in clock ticks since boot (proc(5), field 22 of stat); empty means that there is none. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie waits for its parent only; nothing of it runs.
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

function tryLink(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

const alreadyRunning = (state: string, pid: number | undefined): Complaint =>
  new Complaint(
    'ALREADY_RUNNING',
    `Another agent${pid === undefined ? '' : ` (process ${pid})`} runs on ${state}; stop it first, or choose another folder with --state.`,
  );
