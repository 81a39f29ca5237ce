import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeDurably } from '../files.ts';

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

/** As `writeJson`, and it is on the disk when this returns: for what must be found after the power was lost. */
export function writeJsonDurably(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeDurably(path, `${JSON.stringify(value, undefined, 1)}\n`);
}

/** Reads a JSON file of ours; undefined when it is missing or torn. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
