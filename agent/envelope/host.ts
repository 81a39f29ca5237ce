import { Refusal } from './refusal.ts';

/**
 * One spelling for an authority, so that the address an agent dials and the one a request names
 * compare as equal: lower case, without the port 80 or 443. Throws MALFORMED on anything but a host
 * and a port.
 */
export function canonicalHost(authority: string): string {
  const host = authority.toLowerCase();
  if (host.length > 255 || !/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?$/.test(host)) {
    throw new Refusal(
      'MALFORMED',
      'The address is not a host and a port, such as example.com:8080.',
    );
  }
  return host.replace(/:(80|443)$/, '');
}
