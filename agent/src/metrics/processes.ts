import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process of this machine, from /proc/<pid>/stat. */
export type Process = {
  readonly pid: number;
  readonly parent: number;
  /** One letter; Z is a zombie. */
  readonly state: string;
  /** User and system time since its start, in clock ticks of 1/100 s. */
  readonly cpuTicks: number;
  /** When it started, in clock ticks since boot. */
  readonly startTicks: number;
  /** Resident memory in bytes. */
  readonly rssBytes: number;
};

const PAGE_BYTES = 4096;
const bootId = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';

/** Reads one process; undefined when there is none. */
export function readProcess(pid: number): Process | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold spaces and parentheses itself; the fields begin after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    startTicks: Number(fields[19]),
    rssBytes: Number(fields[21]) * PAGE_BYTES,
  };
}

/** Reads every process of the machine. */
export function readProcesses(): Process[] {
  return readdirSync('/proc').flatMap((entry) => {
    const process = /^\d+$/.test(entry) ? readProcess(Number(entry)) : undefined;
    return process ? [process] : [];
  });
}

/** The processes of a tree: its root and all its descendants; empty when the root is gone. */
export function tree(processes: readonly Process[], root: number): Process[] {
  const children = Map.groupBy(processes, (process) => process.parent);
  const found = processes.filter((process) => process.pid === root);
  for (let at = 0; at < found.length; at += 1) {
    found.push(...(children.get((found[at] as Process).pid) ?? []));
  }
  return found;
}

/** The processes of a tree, read along the tree; empty when its root is gone. */
export function readTree(root: number): Process[] {
  const found: Process[] = [];
  for (const pids = [root]; pids.length > 0;) {
    const process = readProcess(pids.pop() as number);
    if (!process) continue;
    found.push(process);
    const children = childrenOf(process.pid);
    // A kernel without that file has to be asked for every process.
    if (children === undefined) return tree(readProcesses(), root);
    pids.push(...children);
  }
  return found;
}

function childrenOf(pid: number): number[] | undefined {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  const lists = threads.map((thread) => readText(`/proc/${pid}/task/${thread}/children`));
  if (lists.every((list) => list === undefined) && readProcess(pid)) return undefined;
  return lists.flatMap((list) => (list ?? '').split(' ').flatMap((text) => Number(text) || []));
}

/** Names a running process beyond its number, which is used again: boot, number and start. Undefined when it is gone or a zombie. */
export function identify(pid: number): string | undefined {
  const process = pid > 0 ? readProcess(pid) : undefined;
  if (!process || process.state === 'Z' || process.state === 'X') return undefined;
  return `${bootId}:${pid}:${process.startTicks}`;
}

/** A process's argument vector; empty when it is gone, a zombie, or not ours to read. */
export function commandLine(pid: number): string {
  return (readText(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
}

/** The folder a process works in; undefined when it is gone or not ours to read. */
export function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** The inodes of the sockets that a process holds; empty when it is gone or not ours to read. */
export function socketInodes(pid: number): string[] {
  let descriptors: string[];
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
  return descriptors.flatMap((descriptor) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
      return inode === undefined ? [] : [inode];
    } catch {
      return [];
    }
  });
}

/** Reads a small text file; undefined when it is not there. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
