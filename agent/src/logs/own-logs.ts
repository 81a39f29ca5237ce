import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** A log of the front or of PM2 beyond this is cut, in bytes; one older copy is kept. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Cuts the logs that the front and PM2 write about themselves, so that they cannot fill the disk. All of them are written by
 * appending, so what comes next begins at the start of the file; the few lines that come while it is copied are lost.
 */
export function cutOwnLogs(state: string): void {
  for (const folder of [
    join(state, 'front'),
    join(state, 'front', 'nginx', 'logs'),
    join(state, 'pm2'),
  ]) {
    for (const name of logsIn(folder)) {
      const path = join(folder, name);
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= MAX_BYTES) continue;
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
    }
  }
}

function logsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.log'));
  } catch {
    return [];
  }
}
