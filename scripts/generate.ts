// npm run generate: proto/ → gen/, with local plugins only.
import { spawnSync } from 'node:child_process';

const run = spawnSync('buf', ['generate'], { stdio: 'inherit' });
process.exit(run.status ?? 1);
