import type { Setup } from './accounts/accounts.ts';
import type { Fingerprint } from './apps/fingerprint.ts';
import type { Config } from './config.ts';
import type { OrderRow } from './fleet/entity.ts';
import type { Call } from './guard/call.ts';
import type { Limits } from './guard/limits.ts';
import type { LogStore } from './logs/store.ts';
import type { MetricStore } from './metrics/store.ts';
import type { ChangeRing } from './overview/ring.ts';

/** Who is on line, and the end of an order. */
export type Fleet = {
  readonly isOnline: (server: string) => boolean;
  /** Waits for an order's receipt, at most config.orderWaitMs; throws ORDER_TIMEOUT. */
  readonly waitOrder: (call: Call, order: string) => Promise<OrderRow>;
};

/** What handlers may need beyond the database: each long-lived part of the control plane, made once by control-plane.ts. */
export type Parts = {
  readonly config: Config;
  readonly limits: Limits;
  readonly setup: Setup;
  readonly fleet: Fleet;
  readonly logs: LogStore;
  readonly metrics: MetricStore;
  readonly changes: ChangeRing;
  readonly fingerprint: Fingerprint;
};
