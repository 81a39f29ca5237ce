import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Limits } from '../guard/limits.ts';
import type { Live } from '../live.ts';
import type { Store } from '../store/store.ts';
import type { Trust } from '../trust/keys.ts';
import type { Signer } from '../trust/signer.ts';
import type { Hears } from './hears.ts';
import type { OrderMark } from './mark.ts';
import type { Session } from './session.ts';

/** What the fleet stands on. */
export type FleetParts = {
  readonly config: Config;
  readonly store: Store;
  readonly live: Live;
  readonly log: Logger;
  readonly limits: Limits;
  readonly trust: Trust;
  readonly signer: Signer;
  readonly mark: OrderMark;
  readonly hears: Hears;
  /** The sessions that are open, by the id of their server: one each. */
  readonly sessions: Map<string, Session>;
};

/** How long an agent has to prove itself, in milliseconds. */
export const handshakeMs = 10_000;
