import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processEnvironment, readSettings, type Settings } from '../config.ts';

/** Settings for a fresh state folder, with waits short enough for tests. */
export function testSettings(controlPlane: URL, changes: Partial<Settings> = {}): Settings {
  const state = mkdtempSync(join(tmpdir(), 'agent-'));
  return {
    ...readSettings(
      { state, controlPlane: controlPlane.origin },
      { PATH: processEnvironment()['PATH'] },
    ),
    heartbeatMs: 100,
    deadAfterMs: 10_000,
    handshakeTimeoutMs: 2000,
    reconnectMinMs: 20,
    reconnectMaxMs: 200,
    shutdownMs: 500,
    ...changes,
  };
}

/** Removes a state folder. */
export const forget = (settings: Settings): void =>
  rmSync(settings.state, { recursive: true, force: true });
