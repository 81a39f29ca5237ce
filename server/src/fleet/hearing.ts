import type { EntityManager } from '@mikro-orm/sql';
import type { Live } from '../live.ts';
import type { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import type { ServerRow } from '../servers/entity.ts';

/**
 * What a noun's hear… function is given when an agent reports: everything it does through `em` is one transaction with the
 * report's acknowledgement, so that a report takes effect exactly once. `em` sees every tenant: look rows up with the server's
 * organization and id, for an agent may only speak of what is on its own server.
 */
export type Hearing = {
  readonly em: EntityManager;
  readonly server: ServerRow;
  readonly live: Live;
  /** Tells watchers that a thing changed, once it is committed. */
  readonly changed: (kind: ThingKind, id: string, name: string) => void;
  /** Does something once the transaction is committed. */
  readonly afterCommit: (work: () => void) => void;
};
