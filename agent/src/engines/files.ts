import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes JSON for the owner alone (0600), whole or not at all; the folder is made where it is missing. */
export function writeJson(path: string, value: unknown): void {
  writeWhole(path, `${JSON.stringify(value, undefined, 1)}\n`);
}

/** Writes a text for the owner alone (0600), whole or not at all; the folder is made where it is missing. */
export function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const beside = `${path}.${process.pid}.new`;
  try {
    writeFileSync(beside, text, { mode: 0o600 });
    chmodSync(beside, 0o600);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/** Reads a JSON file of ours; undefined when it is missing or torn. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
