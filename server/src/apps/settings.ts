import { checkDirectory } from './source.ts';
import type { SettingsColumn } from './entity.ts';

/** What 0 and empty mean, in the units of the contract's comments. */
export const defaults = {
  healthPath: '/',
  healthIntervalMs: 1_000,
  healthTimeoutMs: 5_000,
  healthPasses: 3,
  healthDeadlineMs: 60_000,
  bakeMs: 60_000,
  drainMs: 30_000,
  keepReleases: 5,
  buildTimeoutMs: 900_000,
} as const;

/** Reads settings as given (absent means all defaults) into the column; throws BAD_PATH. */
export function readSettings(given: SettingsColumn | undefined): SettingsColumn {
  checkDirectory('output_directory', given?.outputDirectory ?? '');
  return {
    buildScript: given?.buildScript ?? '',
    startScript: given?.startScript ?? '',
    outputDirectory: given?.outputDirectory ?? '',
    healthPath: given?.healthPath ?? '',
    healthIntervalMs: given?.healthIntervalMs ?? 0,
    healthTimeoutMs: given?.healthTimeoutMs ?? 0,
    healthPasses: given?.healthPasses ?? 0,
    healthDeadlineMs: given?.healthDeadlineMs ?? 0,
    bakeMs: given?.bakeMs ?? 0,
    drainMs: given?.drainMs ?? 0,
    keepReleases: given?.keepReleases ?? 0,
    buildTimeoutMs: given?.buildTimeoutMs ?? 0,
  };
}

/** The settings as an order carries them: every default filled in. */
export function filledSettings(given: SettingsColumn): SettingsColumn {
  const filled = { ...given };
  for (const [name, value] of Object.entries(defaults)) {
    const key = name as keyof typeof defaults;
    if (!filled[key]) Object.assign(filled, { [key]: value });
  }
  return filled;
}
