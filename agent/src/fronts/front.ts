import type { ServiceControl, ServiceHealth } from '../engines/engine.ts';

/** What answers for an app: a program on a port of 127.0.0.1, or a folder of files. */
export type Target =
  | {
      readonly kind: 'port';
      readonly port: number;
      /** The port of the release before: asked when the program ends without an answer to a request that may be sent twice. */
      readonly spare?: number;
    }
  | { readonly kind: 'files'; readonly root: string; readonly spa: boolean };

/** An app as a front serves it. */
export type Site = {
  readonly appId: string;
  readonly name: string;
  /** Its domains beside `<name>.localhost`, which is always served. */
  readonly hostnames: readonly string[];
  readonly target: Target;
};

/** The reverse proxy in front of the apps: a process that outlives the agent. */
export type Front = {
  readonly kind: 'nginx' | 'embedded';
  /** Where it answers, as `host:port`. */
  readonly address: string;
  /** Starts it where it does not run; throws with a next step when it cannot, or was stopped by an order. */
  ensure(): Promise<void>;
  /** Returns when requests reach the new target; on any error the old site is back and it throws. */
  apply(site: Site): Promise<void>;
  /** Nothing happens when there is no such site. */
  remove(appId: string): Promise<void>;
  sites(): Promise<Site[]>;
  control(action: ServiceControl): Promise<void>;
  status(): Promise<ServiceHealth>;
};
