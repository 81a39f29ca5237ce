import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { scanFrames } from '../../agent/src/frames.ts';
import type { World } from './world.ts';

/** What is on disk of one order, at both ends. */
export type OrderFacts = {
  /** Its state in the control plane's outbox. */
  readonly state: string;
  /** How often the agent began it, and how often it ended it with a receipt. */
  readonly begun: number;
  readonly ended: number;
};

/** Reads from the disks of both sides what became of the orders of a deployment; there should be one. */
export function ordersOf(world: World, deploymentId: string): OrderFacts[] {
  const database = new DatabaseSync(join(world.folder, 'data', 'serverflow.db'), {
    readOnly: true,
  });
  try {
    const rows = database.prepare('select id, state from orders where subject = ?');
    const noted = readJournal(join(world.folder, 'agent', 'journal'));
    return rows.all(deploymentId).map(({ id, state }) => ({
      state: String(state),
      begun: noted.filter((line) => line.id === id && line.order !== undefined).length,
      ended: noted.filter((line) => line.id === id && line.receipt !== undefined).length,
    }));
  } finally {
    database.close();
  }
}

function readJournal(file: string): { id: string; order?: string; receipt?: string }[] {
  return scanFrames(readFileSync(file)).records.map((record) => JSON.parse(record.toString()));
}
