import type { Setup } from './accounts/accounts.ts';
import type { Config } from './config.ts';
import type { Limits } from './guard/limits.ts';

/** What handlers may need beyond the database: each long-lived part of the control plane, made once by control-plane.ts. */
export type Parts = {
  readonly config: Config;
  readonly limits: Limits;
  readonly setup: Setup;
};
