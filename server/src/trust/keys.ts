import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  generateSigningKey,
  openKeySet,
  rootPin,
  sealKeySet,
  signingKeyFromSeed,
  type SigningKey,
} from '@serverflow/agent/envelope';
import {
  KeyRole,
  KeySetSchema,
  SignedKeySetSchema,
  type SignedKeySet,
} from '@serverflow/gen/es/serverflow/agent/v1/envelope_pb';
import { makePrivateFolder, readIfThere, writeDurably } from './files.ts';
import { hardness, makePassphrase, sealRecovery } from './recovery.ts';

const dayMs = 24 * 3_600_000;

/** How long a key set lasts, and from when on its end is warned of: 400 and 30 days, in milliseconds. */
const keySetMs = 400 * dayMs;
const warnMs = 30 * dayMs;

/** What this process holds of the control plane's trust: never the root's and never the order-signing key. */
export type Trust = {
  /** The key set as agents get it. */
  readonly keySet: SignedKeySet;
  readonly version: number;
  /** SHA-256 of the root key set; agents pin it. */
  readonly pin: Uint8Array;
  /** Signs handshakes. */
  readonly authKey: SigningKey;
  /** The folder of the signer's files. */
  readonly folder: string;
  /** The passphrase of the recovery file, where this start made both. */
  readonly recovery: string | undefined;
  /** That the key set ends within 30 days, in words; undefined before. */
  readonly warning: () => string | undefined;
};

/** The names of the files; order.key is read by the signer's process alone. */
export const orderKeyFile = 'order.key';
const files = { root: 'root.recovery', auth: 'auth.key', keySet: 'key-set' } as const;

/**
 * Opens the trust of a control plane in `<data>/trust`, or founds it: a root key that signs one key set and is then kept only in a recovery
 * file under a passphrase, a key for handshakes, and the order-signing key. The key set is written last: what it is there, all is.
 */
export function openTrust(data: string, passphrase: string | undefined): Trust {
  const folder = join(data, 'trust');
  makePrivateFolder(folder);
  const kept = readIfThere(join(folder, files.keySet));
  const recovery = kept ? undefined : found(folder, passphrase);
  const keySet = fromBinary(SignedKeySetSchema, kept ?? readIfThere(join(folder, files.keySet))!);
  const pin = rootPin(keySet.rootKeys);
  const set = fromBinary(KeySetSchema, openKeySet(keySet, pin));
  return {
    keySet,
    version: set.version,
    pin,
    authKey: signingKeyFromSeed(readIfThere(join(folder, files.auth))!),
    folder,
    recovery,
    warning() {
      const leftMs = Number(set.expiresAtMs) - Date.now();
      return leftMs < warnMs
        ? `The key set ends in ${Math.max(0, Math.floor(leftMs / dayMs))} days; afterwards agents refuse orders.`
        : undefined;
    },
  };
}

function found(folder: string, given: string | undefined): string | undefined {
  const [root, auth, order] = [generateSigningKey(), generateSigningKey(), generateSigningKey()];
  const passphrase = given ?? makePassphrase();
  const log2N = given === undefined ? hardness.random : hardness.person;
  const issuedAtMs = BigInt(Date.now());
  const set = create(KeySetSchema, {
    version: 1,
    issuedAtMs,
    expiresAtMs: issuedAtMs + BigInt(keySetMs),
    keys: [
      { publicKey: auth.publicKey, roles: [KeyRole.AUTH] },
      { publicKey: order.publicKey, roles: [KeyRole.ORDER] },
    ],
  });
  const signed = create(
    SignedKeySetSchema,
    toMessage(sealKeySet(toBinary(KeySetSchema, set), [root])),
  );
  writeDurably(join(folder, files.root), sealRecovery(root.exportSeed(), passphrase, log2N));
  writeDurably(join(folder, files.auth), auth.exportSeed());
  writeDurably(join(folder, orderKeyFile), order.exportSeed());
  writeDurably(join(folder, files.keySet), toBinary(SignedKeySetSchema, signed));
  return given === undefined ? passphrase : undefined;
}

function toMessage(set: ReturnType<typeof sealKeySet>) {
  if (!set.keySet) throw new Error('A key set is never without its bytes.');
  const { payload, payloadType, signatures } = set.keySet;
  return {
    keySet: { payload, payloadType, signatures: [...signatures] },
    rootKeys: [...set.rootKeys],
  };
}
