import { availableParallelism, hostname, machine } from 'node:os';
import type { FactsReport, ServiceStatus } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { AGENT_VERSION } from '../config.ts';
import type { Context } from '../context.ts';
import type { Engine } from '../engines/engine.ts';
import type { Front } from '../fronts/front.ts';
import { readText } from './processes.ts';
import { diskBytes, memoryBytes } from './sampler.ts';

/** Says what this machine is, how its services are, and what its owner allows. */
export async function readFacts(
  { settings, policy }: Pick<Context, 'settings' | 'policy'>,
  { engine, front }: { engine: Pick<Engine, 'status'>; front: Front },
): Promise<FactsReport> {
  return {
    hostname: hostname(),
    os: osName(),
    arch: machine(),
    cpuCount: availableParallelism(),
    memoryBytes: memoryBytes().total,
    diskBytes: diskBytes(settings.state).total,
    agentVersion: AGENT_VERSION,
    nodeVersion: process.version.replace(/^v/, ''),
    front: front.kind,
    frontAddress: front.address,
    services: [
      await service('front', () => front.status()),
      await service('pm2', () => engine.status()),
    ],
    readOnly: policy.readOnly,
    repositoryHosts: [...policy.repositoryHosts],
    domainSuffixes: [...policy.domainSuffixes],
    refusedActions: [...policy.refusedActions],
  };
}

async function service(name: string, ask: Front['status']): Promise<ServiceStatus> {
  try {
    return { name, ...(await ask()) };
  } catch (error) {
    return { name, running: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

function osName(): string {
  const release = readText('/etc/os-release') ?? readText('/usr/lib/os-release') ?? '';
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1] ?? 'Linux';
}
