import type { Site } from './front.ts';

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const NAME = new RegExp(`^${LABEL}$`);
const HOSTNAME = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)+${LABEL}$`);
/** What may be in the path of a folder that enters a configuration file; nothing that nginx gives a meaning in quotes. */
const FOLDER = /^\/[\p{L}\p{N} ._/@+~,=:-]*$/u;

/** All host names of a site, `<name>.localhost` first. */
export function hostnamesOf(site: Site): string[] {
  return [...new Set([`${site.name}.localhost`, ...site.hostnames])];
}

/** Throws when a site says anything that must not enter a configuration file, or takes a host name that another one has. */
export function checkSite(site: Site, others: readonly Site[]): void {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(site.appId)) throw refusal('an app id', site.appId);
  if (!NAME.test(site.name)) throw refusal("an app's name", site.name);
  for (const hostname of site.hostnames) {
    if (!HOSTNAME.test(hostname)) throw refusal('a host name', hostname);
  }
  const { target } = site;
  const ports = target.kind === 'port' ? [target.port, target.spare ?? target.port] : [];
  for (const port of ports) {
    if (!(Number.isInteger(port) && port > 0 && port < 65_536))
      throw refusal('a port', String(port));
  }
  if (
    target.kind === 'files' &&
    (!FOLDER.test(target.root) || target.root.split('/').includes('..'))
  ) {
    throw refusal('a folder that can be served', target.root);
  }
  const mine = new Set(hostnamesOf(site));
  for (const other of others) {
    const taken =
      other.appId === site.appId ? undefined : hostnamesOf(other).find((name) => mine.has(name));
    if (taken !== undefined) {
      throw new Error(
        `${taken} is served for the app ${other.name} already; remove it there first`,
      );
    }
  }
}

function refusal(what: string, value: string): Error {
  return new Error(`the front takes no site with ${JSON.stringify(value.slice(0, 80))} as ${what}`);
}
