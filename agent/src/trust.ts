import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyRole, KeySet, SignedKeySet } from '@serverflow/gen/grpc/serverflow/agent/v1/envelope';
import { openKeySet, sameBytes, trust, type TrustedKey } from '@serverflow/agent/envelope';
import { Complaint } from './complaint.ts';
import { makePrivateFolder, writeDurably } from './files.ts';

/** The control plane's keys that this agent believes in. */
export type Trust = {
  readonly version: number;
  /** When they end, in milliseconds since 1970; afterwards orders are refused and apps run on. */
  readonly expiresAtMs: number;
  readonly keys: readonly TrustedKey[];
};

const ROLES = { [KeyRole.KEY_ROLE_AUTH]: 'auth', [KeyRole.KEY_ROLE_ORDER]: 'order' } as const;

/** Opens a key set that the pinned root signed; throws a Refusal, or a Complaint BAD_KEY_SET. */
export function openTrust(signed: SignedKeySet, pin: Uint8Array): Trust {
  const payload = openKeySet(signed, pin);
  const set = KeySet.decode(payload);
  if (!sameBytes(KeySet.encode(set).finish(), payload) || set.version < 1) {
    throw new Complaint(
      'BAD_KEY_SET',
      'The key set is not written as this agent reads it; update the agent.',
    );
  }
  const keys = set.keys.flatMap(({ publicKey, roles }) =>
    roles.flatMap((role) =>
      role in ROLES ? trust(publicKey, ROLES[role as keyof typeof ROLES]) : [],
    ),
  );
  return { version: set.version, expiresAtMs: Number(set.expiresAtMs), keys };
}

/** Returns the key of this id if it may sign handshakes. */
export function authKey({ keys }: Trust, keyId: Uint8Array): TrustedKey | undefined {
  return keys.find((key) => key.role === 'auth' && sameBytes(key.keyId, keyId));
}

const fileOf = (state: string): string => join(state, 'identity', 'key-set');

/** Reads the key set that was kept; undefined means that there is none. */
export function readTrust(state: string, pin: Uint8Array): Trust | undefined {
  if (!existsSync(fileOf(state))) return undefined;
  return openTrust(SignedKeySet.decode(readFileSync(fileOf(state))), pin);
}

/** Keeps the newest key set that was ever seen; of two with the same version the first stays. Throws a Complaint OLD_KEY_SET on an older one. */
export function keepTrust(state: string, signed: SignedKeySet, pin: Uint8Array): Trust {
  const offered = openTrust(signed, pin);
  const kept = readTrust(state, pin);
  if (kept !== undefined && offered.version < kept.version) {
    throw new Complaint(
      'OLD_KEY_SET',
      `The control plane shows key set ${offered.version}, and ${kept.version} was seen before; it may have been restored from an old copy.`,
    );
  }
  if (kept === undefined || offered.version > kept.version) {
    makePrivateFolder(join(state, 'identity'));
    writeDurably(fileOf(state), SignedKeySet.encode(signed).finish());
    return offered;
  }
  return kept;
}
