import { isIP } from 'node:net';
import { problem, Reason } from '../guard/problems.ts';

/**
 * Reads a host name as it will stand in a front's configuration: lower case, letters, digits and dashes in labels of 1 to 63, at most 253
 * in all (RFC 1123), two labels at least, no address, no wildcard, no underscore. The agent checks the same again. Throws BAD_DOMAIN.
 * `suffixes` are the endings that the server's own policy allows; empty allows all.
 */
export function readHostname(given: string, suffixes: readonly string[]): string {
  const refuse = (why: string): never => {
    throw problem(Reason.BAD_DOMAIN, { why });
  };
  const name = given.toLowerCase().replace(/\.$/, '');
  if (name.length > 253) refuse('it is longer than 253 characters');
  if (name.includes('*')) refuse('wildcards are not supported');
  if (isIP(name) || /^[0-9.]+$/.test(name)) refuse('it is an address, not a name');
  const labels = name.split('.');
  if (labels.length < 2) refuse('it has no dot');
  for (const label of labels)
    if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
      refuse(`"${label}" is not a part of a host name`);
  if (/^[0-9]+$/.test(labels.at(-1)!)) refuse('its last part is a number');
  if (name.endsWith('.localhost')) refuse('names under localhost belong to the apps themselves');
  if (
    suffixes.length > 0 &&
    !suffixes.some((suffix) => name === suffix || name.endsWith(`.${suffix.replace(/^\./, '')}`))
  ) {
    refuse(`the server serves only names that end in ${suffixes.join(', ')}`);
  }
  return name;
}
