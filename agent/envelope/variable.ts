import { utf8 } from './pae.ts';
import { Refusal } from './refusal.ts';

/**
 * HPKE's info for a variable: `serverflow/env/v1`, the tenant's, the agent's and the app's id, with
 * bars between. A value opens for no other. Throws MALFORMED on an empty piece or one with a bar.
 */
export function variableInfo(tenant: string, agent: string, app: string): Uint8Array {
  return joinWithBars(['serverflow/env/v1', tenant, agent, app]);
}

/** HPKE's additional data for a variable: its name and version with a bar between. */
export function variableAad(name: string, version: number): Uint8Array {
  if (!Number.isSafeInteger(version) || version < 0) {
    throw new Refusal(
      'MALFORMED',
      "A variable's version is not a whole number; take the newest one.",
    );
  }
  return joinWithBars([name, String(version)]);
}

function joinWithBars(pieces: readonly string[]): Uint8Array {
  if (pieces.some((piece) => piece === '' || piece.includes('|'))) {
    throw new Refusal('MALFORMED', 'An id or a name is empty or has a bar in it; name it without.');
  }
  return utf8(pieces.join('|'));
}
