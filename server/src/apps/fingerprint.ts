import { createHmac, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Four bytes of a keyed digest of an organization's value, as hex: the same value gives the same, and nothing else can be told from it. */
export type Fingerprint = (organization: string, value: string) => string;

/** Opens the key of this installation's fingerprints, a file of 32 random bytes beside the database (never in it), and makes it at the first start. */
export function openFingerprint(file: string): Fingerprint {
  const key = readKey(file);
  return (organization, value) =>
    createHmac('sha256', key).update(`${organization}\0${value}`).digest('hex').slice(0, 8);
}

function readKey(file: string): Buffer {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    return checked(readFileSync(file), file);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
  }
  // Linked into place, so that a start that is cut off leaves no half a key.
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(fresh, randomBytes(32), { mode: 0o600, flush: true });
  linkSync(fresh, file);
  rmSync(fresh);
  return readFileSync(file);
}

function checked(key: Buffer, file: string): Buffer {
  if (key.length === 32) return key;
  throw new Error(`${file} does not hold 32 bytes; restore it from a backup, or remove it.`);
}
