import type { Settings } from '../config.ts';
import { embeddedFront } from './embedded.ts';
import type { Front } from './front.ts';
import { nginxFront } from './nginx.ts';

/** The front that the settings ask for; `auto` is nginx where the machine has one. Throws when nginx is asked for and missing. */
export function createFront(settings: Pick<Settings, 'state' | 'front' | 'programs'>): Front {
  const { state, programs, front } = settings;
  if (front.kind === 'nginx' && programs.nginx === undefined) {
    throw new Error(
      'front is "nginx" in agent.toml, and this machine has none; install nginx or set front = "embedded"',
    );
  }
  if (front.kind === 'embedded' || programs.nginx === undefined) {
    return embeddedFront({ state, listen: front.listen });
  }
  return nginxFront({ state, listen: front.listen, nginx: programs.nginx });
}
