import type { Setup } from './accounts/accounts.ts';
import type { Fingerprint } from './apps/fingerprint.ts';
import type { Config } from './config.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { Limits } from './guard/limits.ts';
import type { LogStore } from './logs/store.ts';
import type { MetricStore } from './metrics/store.ts';
import type { ChangeRing } from './overview/ring.ts';

/** What handlers may need beyond the database: each long-lived part of the control plane, made once by control-plane.ts. */
export type Parts = {
  readonly config: Config;
  readonly limits: Limits;
  readonly setup: Setup;
  readonly fleet: Fleet;
  /** SHA-256 of the root key set, which enrolment tokens carry. */
  readonly pin: Uint8Array;
  readonly logs: LogStore;
  readonly metrics: MetricStore;
  readonly changes: ChangeRing;
  readonly fingerprint: Fingerprint;
};
