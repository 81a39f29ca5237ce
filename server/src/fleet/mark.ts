import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { sameBytes } from '@serverflow/agent/envelope';
import { readIfThere, writeDurably } from '../trust/files.ts';
import type { OrderRow } from './entity.ts';

/** What of an order must be as the control plane placed it. */
export type Marked = Pick<
  OrderRow,
  'id' | 'organization' | 'server' | 'action' | 'kind' | 'actor' | 'subject'
>;

/** Marks what this control plane places in its outbox, so that whoever can only write into its database places nothing. */
export type OrderMark = {
  /** The mark of an order, base64. */
  readonly of: (order: Marked) => string;
  readonly isGood: (order: Marked, mark: string) => boolean;
};

/** Opens the mark's key in the trust's folder, outside the database, or makes it: HMAC-SHA-256 with 32 random bytes. */
export function openOrderMark(folder: string): OrderMark {
  const file = join(folder, 'outbox.key');
  if (!readIfThere(file)) writeDurably(file, randomBytes(32));
  const key = readIfThere(file)!;
  if (key.length !== 32)
    throw new Error(`${file} does not hold 32 bytes; remove it and start again.`);
  const markOf = ({ id, organization, server, action, kind, actor, subject }: Marked): Buffer => {
    const { person, client, tokenId } = actor;
    const bytes = Buffer.from(action).toString('base64');
    const fields = [id, organization, server, bytes, kind, person, client, tokenId, subject];
    return createHmac('sha256', key).update(JSON.stringify(fields)).digest();
  };
  return {
    of: (order) => markOf(order).toString('base64'),
    isGood: (order, mark) => sameBytes(markOf(order), Buffer.from(mark, 'base64')),
  };
}
