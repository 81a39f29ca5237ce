import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from '../engines/files.ts';
import { AGENT_VERSION } from '../config.ts';
import type { Front } from './front.ts';
import type { Listen } from './live.ts';
import { siteFront, type Program, type Sites } from './site-front.ts';

/** What the embedded front's process reads: where it listens, and its sites. */
export type EmbeddedFile = Sites & { readonly listen: Listen };

/** The front where the machine has no nginx: a Node process of its own that outlives the agent. */
export function embeddedFront({ state, listen }: { state: string; listen: Listen }): Front {
  const file = join(state, 'front', 'embedded', 'sites.json');
  const log = join(state, 'front', 'embedded.log');
  const program: Program = {
    kind: 'embedded',
    write(sites) {
      writeJson(file, { listen, ...sites } satisfies EmbeddedFile);
      return Promise.resolve();
    },
    argv: () => [process.execPath, join(import.meta.dirname, 'embedded-main.ts'), file],
    version: () => Promise.resolve(`embedded ${AGENT_VERSION}`),
    sweep: () => Promise.resolve(),
    workers: () => [],
    lastWords() {
      const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
      return lines.findLast((line) => line.includes('cannot listen')) ?? '';
    },
  };
  return siteFront(state, listen, program);
}
