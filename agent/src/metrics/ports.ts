import type { DetectedPort } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { LISTEN, sockets } from './sockets.ts';
import type { Run } from '../engines/engine.ts';
import { readTree, socketInodes } from './processes.ts';

/** The ports on which the programs of these runs listen, by TCP; `expected` is the port that the run was given. */
export function detectPorts(runs: readonly Run[]): DetectedPort[] {
  const running = runs.filter(({ state }) => state.up);
  if (running.length === 0) return [];
  const listening = sockets().filter(({ state }) => state === LISTEN);
  const found = running.flatMap(({ appId, port: given, state }) => {
    const inodes = new Set(readTree(state.pid).flatMap(({ pid }) => socketInodes(pid)));
    return listening
      .filter(({ inode }) => inodes.has(inode))
      .map(({ address, port }) => ({ appId, port, address, expected: port === given }));
  });
  return found.toSorted((a, b) =>
    a.appId === b.appId ? a.port - b.port : a.appId < b.appId ? -1 : 1,
  );
}
