import { readdirSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Sample, SampleReport } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { readText, readTree, type Process } from './processes.ts';

/** Clock ticks per second in /proc; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** The root process of each run of an app. */
export type AppProcess = { readonly appId: string; readonly pid: number };

/** Counters that only grow, and when they were read. */
type Counters = {
  readonly atMs: number;
  readonly busyTicks: number;
  readonly totalTicks: number;
  readonly inBytes: number;
  readonly outBytes: number;
  /** The processor time of each process of each app; a process is named by its number and start. */
  readonly apps: ReadonlyMap<string, number>;
};

/** The processes of each app. */
type Members = ReadonlyMap<string, readonly Process[]>;

/** Measures this machine and its apps; rates are over the time since the call before. */
export type Sampler = (apps: readonly AppProcess[]) => SampleReport;

/** Makes a sampler, which begins to count now; `folder` lies on the disk that is measured. */
export function createSampler(folder: string): Sampler {
  let before = count(new Map());
  return (apps) => {
    const members = membersOf(apps);
    const now = count(members);
    const report = {
      timeMs: BigInt(now.atMs),
      server: serverSample(folder, before, now),
      apps: [...members].map(([appId, processes]) => ({
        appId,
        sample: appSample(processes, before, now),
      })),
    };
    before = now;
    return report;
  };
}

function serverSample(folder: string, before: Counters, now: Counters): Sample {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000);
  const total = now.totalTicks - before.totalTicks;
  const memory = memoryBytes();
  return {
    cpuPercent: total > 0 ? percent((now.busyTicks - before.busyTicks) / total) : 0,
    memoryBytes: memory.total - memory.available,
    diskBytes: diskBytes(folder).used,
    networkIn: Math.max(0, now.inBytes - before.inBytes) / seconds,
    networkOut: Math.max(0, now.outBytes - before.outBytes) / seconds,
    load1: Number(readText('/proc/loadavg')?.split(' ')[0] ?? 0),
  };
}

function appSample(members: readonly Process[], before: Counters, now: Counters): Sample {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000);
  const ticks = members.reduce((sum, each) => {
    const name = nameOf(each);
    // A process that is new since then has used all its time since then.
    return sum + (now.apps.get(name) ?? 0) - (before.apps.get(name) ?? 0);
  }, 0);
  const cpuPercent = percent(ticks / TICKS / seconds / availableParallelism());
  const memoryBytes = members.reduce((sum, each) => sum + each.rssBytes, 0);
  return { cpuPercent, memoryBytes, diskBytes: 0, networkIn: 0, networkOut: 0, load1: 0 };
}

function count(members: Members): Counters {
  const cpu =
    (readText('/proc/stat') ?? '').split('\n', 1)[0]?.trim().split(/\s+/).slice(1, 9).map(Number) ??
    [];
  const totalTicks = cpu.reduce((sum, ticks) => sum + ticks, 0);
  const idleTicks = (cpu[3] ?? 0) + (cpu[4] ?? 0);
  return {
    atMs: Date.now(),
    totalTicks,
    busyTicks: totalTicks - idleTicks,
    ...networkBytes(),
    apps: new Map([...members.values()].flat().map((each) => [nameOf(each), each.cpuTicks])),
  };
}

function membersOf(apps: readonly AppProcess[]): Members {
  const byApp = Map.groupBy(apps, ({ appId }) => appId);
  return new Map(
    [...byApp].map(([appId, roots]) => [appId, roots.flatMap(({ pid }) => readTree(pid))]),
  );
}

const nameOf = ({ pid, startTicks }: Process): string => `${pid}.${startTicks}`;

const percent = (share: number): number => Math.min(100, Math.max(0, share * 100));

/** All memory, and what programs could still have of it. */
export function memoryBytes(): { total: number; available: number } {
  const text = readText('/proc/meminfo') ?? '';
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { total: bytes('MemTotal'), available: bytes('MemAvailable') };
}

/** The disk on which a folder lies. */
export function diskBytes(folder: string): { total: number; used: number } {
  const { blocks, bfree, bsize } = statfsSync(folder);
  return { total: blocks * bsize, used: (blocks - bfree) * bsize };
}

/** What went through the interfaces that lead out of the machine; bridges and loopback would count it twice. */
function networkBytes(): { inBytes: number; outBytes: number } {
  const rows = (readText('/proc/net/dev') ?? '').split('\n').slice(2);
  const bridges = new Set(bridgesOf());
  let [inBytes, outBytes] = [0, 0];
  for (const row of rows) {
    const [name = '', values = ''] = row.split(':');
    const fields = values.trim().split(/\s+/).map(Number);
    if (fields.length < 9 || /^(lo|veth.*)$/.test(name.trim()) || bridges.has(name.trim()))
      continue;
    inBytes += fields[0] ?? 0;
    outBytes += fields[8] ?? 0;
  }
  return { inBytes, outBytes };
}

function bridgesOf(): string[] {
  const base = '/sys/devices/virtual/net';
  try {
    return readdirSync(base).filter((name) => readdirSync(`${base}/${name}`).includes('bridge'));
  } catch {
    return [];
  }
}
