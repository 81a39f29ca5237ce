import type { Config } from './config.ts';

/** What handlers may need beyond the database: each long-lived part of the control plane, made once by control-plane.ts. */
export type Parts = {
  readonly config: Config;
};
