import { randomBytes } from 'node:crypto';
import type { Change, Live } from '../live.ts';

/** How many changes of an organization are remembered, so that a watcher who was away a moment misses none. */
const remembered = 512;

/** What changed after a cursor; `missed` tells that there may have been more. */
export type Since = {
  readonly cursor: string;
  readonly changes: readonly Change[];
  readonly missed: boolean;
};

/** The last changes of each organization, in memory. */
export type ChangeRing = {
  /** Remembers a change. */
  readonly add: (change: Change) => void;
  /** What changed after a cursor; without one, or with one of another run, only where the ring stands. */
  readonly since: (organization: string, cursor: string) => Since;
};

type Entries = { first: number; changes: Change[] };

/** Makes the ring of this run; cursors hold its name, so that one of another run is told apart. */
export function createChangeRing(): ChangeRing {
  const run = randomBytes(6).toString('hex');
  const rings = new Map<string, Entries>();
  const of = (organization: string): Entries =>
    rings.get(organization) ?? { first: 1, changes: [] };
  return {
    add(change) {
      const ring = of(change.organization);
      ring.changes.push(change);
      if (ring.changes.length > remembered) {
        ring.changes.shift();
        ring.first += 1;
      }
      rings.set(change.organization, ring);
    },
    since(organization, cursor) {
      const ring = of(organization);
      const next = ring.first + ring.changes.length;
      const stands = `${run}-${next - 1}`;
      if (cursor === '') return { cursor: stands, changes: [], missed: false };
      const [name, number] = cursor.split('-');
      const after = name === run ? Number(number) : NaN;
      const known = after >= ring.first - 1 && after < next;
      if (!known) return { cursor: stands, changes: [], missed: true };
      return { cursor: stands, changes: ring.changes.slice(after + 1 - ring.first), missed: false };
    },
  };
}

/** The same topics, with every change that is published remembered in the ring first. */
export function remembering(live: Live, ring: ChangeRing): Live {
  return {
    ...live,
    publish(topic, change) {
      if (change) ring.add(change);
      live.publish(topic, change);
    },
  };
}
