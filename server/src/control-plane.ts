import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { createSetup, setupRequired } from './accounts/accounts.ts';
import { setUpUnattended } from './accounts/unattended.ts';
import { openFingerprint } from './apps/fingerprint.ts';
import type { Config } from './config.ts';
import { agentsDoor } from './doors/agents.ts';
import { examplesDoor } from './doors/examples.ts';
import { listen } from './doors/listen.ts';
import { mcpDoor } from './doors/mcp.ts';
import { plainDoor } from './doors/plain.ts';
import { publicDoor } from './doors/public.ts';
import { webDoor } from './doors/web.ts';
import { createFleet } from './fleet/fleet.ts';
import { createHears } from './fleet/hears.ts';
import { openOrderMark } from './fleet/mark.ts';
import { guard, refuseMalformed } from './guard/guard.ts';
import { createLimits } from './guard/limits.ts';
import { dashboardOrigins } from './guard/origin.ts';
import { createLive, type Live } from './live.ts';
import { openLogStore } from './logs/store.ts';
import { openMetricStore } from './metrics/store.ts';
import { createChangeRing, remembering } from './overview/ring.ts';
import type { Parts } from './parts.ts';
import { openStore, type Store } from './store/store.ts';
import { openTrust } from './trust/keys.ts';
import { createSigner } from './trust/signer.ts';

/** A control plane that runs. */
export type ControlPlane = {
  readonly config: Config;
  /** The port it listens on; SERVERFLOW_LISTEN may have asked for 0. */
  readonly port: number;
  readonly store: Store;
  readonly live: Live;
  readonly log: Logger;
  readonly parts: Parts;
  /** The path of the one-time set-up address, while there is no person. */
  readonly setupPath: string | undefined;
  /** The passphrase of the root key's recovery file, where this start made one. */
  readonly recovery: string | undefined;
  readonly close: () => Promise<void>;
};

/** Opens everything in order: store, parts, doors, port. Closing goes the other way. */
export async function startControlPlane(config: Config): Promise<ControlPlane> {
  const log = pino({ level: config.logLevel });
  const store = await openStore(config.databaseFile);
  const changes = createChangeRing();
  const live = remembering(createLive(), changes);
  const setup = createSetup();
  const logs = openLogStore(join(config.data, 'logs.db'));
  const metrics = openMetricStore(join(config.data, 'metrics.db'));
  const fingerprint = openFingerprint(join(config.data, 'fingerprint.key'));
  const own = { logs, metrics, changes, fingerprint };
  const trust = openTrust(config.data, config.rootPassphrase);
  const signer = createSigner(trust.folder, log);
  const mark = openOrderMark(trust.folder);
  const warning = trust.warning();
  if (warning) log.warn(warning);
  const hears = createHears(logs, metrics);
  const limits = createLimits();
  const sessions = new Map();
  const heard = { hears, sessions };
  const fleetParts = { config, store, live, log, limits, trust, signer, mark, ...heard };
  const fleet = createFleet(fleetParts);
  const parts: Parts = { config, limits, setup, fleet, pin: trust.pin, ...own };
  await setUpUnattended(store, parts);

  const base = { store, live, log, parts, origins: dashboardOrigins(config.publicUrl) };
  const rpc = { ...base, door: 'rpc' } as const;
  const mcp = mcpDoor(config, guard({ ...base, door: 'mcp' }), log);
  const web = webDoor(config.web);
  const checks = { database: () => store.check() };
  const fallback = plainDoor(
    checks,
    examplesDoor(join(config.data, 'examples'), (request, response) => {
      if (!mcp.handle(request as never, response as never)) web(request, response);
    }),
  );
  const door = publicDoor(guard(rpc), refuseMalformed(rpc), fallback);
  const port = await listen(config.host, config.port, agentsDoor(fleetParts, door));
  return {
    config,
    port: port.port,
    store,
    live,
    log,
    parts,
    setupPath: (await setupRequired(store.all())) ? `/setup#${setup.token}` : undefined,
    recovery: trust.recovery,
    async close() {
      fleet.close();
      await mcp.close();
      await port.close();
      await signer.close();
      logs.close();
      metrics.close();
      await store.close();
    },
  };
}
