import { setTimeout as pause } from 'node:timers/promises';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { ServerState } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { startWorld, type World } from '../tests/support/world.ts';
import { median, type Figure, type Findings } from './figure.ts';
import { childrenOf, residentMb, startNode } from './processes.ts';

type Times = { readonly node: number[]; readonly plane: number[]; readonly agent: number[] };

const rounds = 5;

/** How often it is looked whether a part is ready, in milliseconds: the grain of every time here. */
const lookMs = 5;

/** How long the control plane, the signer and the agent take to start again, and their memory at rest, against Node that does nothing. */
export async function starts(): Promise<Findings> {
  const world = await startWorld();
  const ms: Times = { node: [], plane: [], agent: [] };
  const mb: Times & { signer: number[] } = { node: [], plane: [], agent: [], signer: [] };
  try {
    const servers = world.client(ServerService);
    const { servers: found } = await servers.listServers({});
    const server = found[0]?.name ?? '';
    for (let round = 0; round < rounds; round++) {
      await world.agent.kill('SIGTERM');
      await world.plane.kill('SIGTERM');
      const empty = await timed(ms.node, () =>
        startNode('--eval', 'console.log("ready"); setInterval(() => {}, 1e6)'),
      );
      mb.node.push(residentMb(empty.pid));
      await empty.end();
      await timed(ms.plane, () => startPlane(world));
      await timed(ms.agent, () => startAgent(world));
      // The signer starts with the first order.
      await servers.pingServer({ server });
      const [signer] = childrenOf(world.plane.pid(), 'signer-main');
      if (signer === undefined) throw new Error('The control plane has no signer.');
      mb.plane.push(residentMb(world.plane.pid()));
      mb.signer.push(residentMb(signer));
      mb.agent.push(residentMb(world.agent.pid()));
    }
  } finally {
    await world.close();
  }
  const against = 'Node that does nothing';
  const figure = (what: string, unit: 'ms' | 'MB', ours: number[], floor: number[]): Figure => ({
    what,
    unit,
    against,
    ours: median(ours),
    floor: median(floor),
  });
  return {
    figures: [
      figure('control plane, from its start to /readyz', 'ms', ms.plane, ms.node),
      figure('agent, from its start to on line', 'ms', ms.agent, ms.node),
      figure('control plane, resident memory', 'MB', mb.plane, mb.node),
      figure('signer, resident memory', 'MB', mb.signer, mb.node),
      figure('agent, resident memory', 'MB', mb.agent, mb.node),
    ],
    notes: [],
  };
}

async function timed<T>(times: number[], work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await work();
  times.push(performance.now() - begin);
  return result;
}

async function startPlane({ plane, url }: World): Promise<void> {
  await Promise.race([plane.start(), look(async () => (await fetch(`${url}/readyz`)).ok)]);
}

async function startAgent({ agent, client }: World): Promise<void> {
  await agent.start();
  await look(async () => {
    const { servers } = await client(ServerService).listServers({});
    return servers.some(({ state }) => state === ServerState.ONLINE);
  });
}

async function look(isReady: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await isReady().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('A part did not start within 30 s.');
    await pause(lookMs);
  }
}
