import { pino, type Logger } from 'pino';
import type { Config } from './config.ts';
import { listen, type Request, type Response } from './doors/listen.ts';
import { publicDoor } from './doors/public.ts';
import { createSetup, setupRequired } from './accounts/accounts.ts';
import { guard } from './guard/guard.ts';
import { dashboardOrigins } from './guard/origin.ts';
import { createLimits } from './guard/limits.ts';
import { createLive, type Live } from './live.ts';
import { openStore, type Store } from './store/store.ts';

/** A control plane that runs. */
export type ControlPlane = {
  readonly config: Config;
  /** The port it listens on; SERVERFLOW_LISTEN may have asked for 0. */
  readonly port: number;
  readonly store: Store;
  readonly live: Live;
  readonly log: Logger;
  /** The path of the one-time set-up address, while there is no person. */
  readonly setupPath: string | undefined;
  readonly close: () => Promise<void>;
};

/** Opens everything in order: store, doors, port. Closing goes the other way. */
export async function startControlPlane(config: Config): Promise<ControlPlane> {
  const log = pino({ level: config.logLevel });
  const store = await openStore(config.databaseFile);
  const live = createLive();
  const setup = createSetup();
  const rpcGuard = guard({
    store,
    live,
    log,
    parts: { config, limits: createLimits(), setup },
    door: 'rpc',
    origins: dashboardOrigins(config.publicUrl),
  });
  const port = await listen(config.host, config.port, publicDoor(rpcGuard, notThere));
  return {
    config,
    port: port.port,
    store,
    live,
    log,
    setupPath: (await setupRequired(store.all())) ? `/setup#${setup.token}` : undefined,
    async close() {
      await port.close();
      await store.close();
    },
  };
}

function notThere(_request: Request, response: Response): void {
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: 'There is nothing at this address.' }));
}
