/** What the agent knows about one of its apps, beside what can be measured. */
export type KnownApp = {
  readonly appId: string;
  readonly name: string;
  readonly kind: 'node' | 'static';
  /** The release that the front points at; 0 means none. */
  readonly servingRelease: number;
  /** In ascending order. */
  readonly keptReleases: readonly number[];
  /** The port that the serving release was given; 0 for a static site. */
  readonly port: number;
  /** The domains beside `<name>.localhost`. */
  readonly domains: readonly string[];
  /** Whether it was stopped by an order. */
  readonly isStopped: boolean;
};
