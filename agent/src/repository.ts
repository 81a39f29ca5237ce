import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { Complaint } from './complaint.ts';
import type { Policy } from './policy.ts';

/** An address that an app may come from. */
export type Repository =
  | { readonly kind: 'example'; readonly name: string }
  | { readonly kind: 'git'; readonly scheme: 'https' | 'http' | 'ssh'; readonly host: string };

const NEXT = 'Use an https:// or ssh:// address of a git repository, without credentials in it.';

const refuse = (why: string): Complaint =>
  new Complaint('BAD_REPOSITORY', `The repository address is refused: ${why}. ${NEXT}`);

/** Parses an address; throws a Complaint BAD_REPOSITORY on anything but https, http, ssh, git@host:path and example:NAME. */
export function parseRepository(address: string): Repository {
  if (address === '' || address.length > 500)
    throw refuse('it is empty or longer than 500 characters');
  if (!/^[\u0021-\u007e]+$/.test(address))
    throw refuse('it has a space, or a character beyond ASCII');
  const example = /^example:([a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?)$/.exec(address);
  if (example?.[1] !== undefined) return { kind: 'example', name: example[1] };
  if (/^[A-Za-z0-9+._-]*::/.test(address)) throw refuse('it names a helper program of git');
  const scp = /^[a-z_][a-z0-9_.-]*@([^:/@]+):(.+)$/.exec(address);
  if (scp?.[1] !== undefined && scp[2] !== undefined && !address.includes('://')) {
    return { kind: 'git', scheme: 'ssh', host: checkHost(scp[1]), ...checkPath(scp[2]) };
  }
  const parts =
    /^(https?|ssh):\/\/(?:([^/@]*)@)?(\[[0-9A-Fa-f:.]+\]|[^/:@[\]]+)(?::([0-9]{1,5}))?(\/.*)$/.exec(
      address,
    );
  const [, scheme, user, host, port, path] = parts ?? [];
  if (scheme !== 'https' && scheme !== 'http' && scheme !== 'ssh') {
    throw refuse('it is not of a kind that is fetched');
  }
  if (user !== undefined && (scheme !== 'ssh' || !/^[a-z_][a-z0-9_.-]*$/.test(user))) {
    throw refuse('it has credentials in it');
  }
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    throw refuse('its port is none');
  return { kind: 'git', scheme, host: checkHost(host ?? ''), ...checkPath(path ?? '') };
}

/** Checks an address against the policy and, where the host is not listed there, that no part of it leads into a private network. */
export async function checkRepository(
  address: string,
  policy: Policy,
  controlPlane: URL,
): Promise<void> {
  const repository = parseRepository(address);
  const listed = policy.repositoryHosts;
  const host = repository.kind === 'example' ? controlPlane.hostname : repository.host;
  if (listed.includes(host.toLowerCase())) return;
  if (listed.length > 0) throw notListed(host);
  if (repository.kind === 'example') return;
  if (repository.scheme === 'http') {
    throw refuse('http without encryption is only for hosts that policy.toml of the server lists');
  }
  await checkPublic(host);
}

const notListed = (host: string): Complaint =>
  new Complaint(
    'POLICY_REFUSED',
    `The policy of the server does not list the repository host ${host}; its administrator can add it to repository_hosts in policy.toml.`,
  );

async function checkPublic(host: string): Promise<void> {
  const bare = host.replace(/^\[|\]$/g, '');
  // A name that does not resolve reaches nothing: fetching says so, with what git saw.
  const addresses = isIP(bare)
    ? [bare]
    : (await lookup(bare, { all: true }).catch(() => [])).map((each) => each.address);
  if (addresses.some(isPrivate)) {
    throw refuse(`${host} is in a private network, which policy.toml of the server does not list`);
  }
}

function checkHost(host: string): string {
  const lower = host.toLowerCase();
  // The URL parser reads 0x7f.1 and 2130706433 as addresses; so do resolvers.
  const normal = URL.parse(`https://${lower}`)?.hostname;
  if (normal !== lower || lower.startsWith('-') || lower.startsWith('.'))
    throw refuse('its host is none');
  return lower;
}

function checkPath(path: string): object {
  const isSound = /^[A-Za-z0-9._~/+%@-]+$/.test(path) && !/(^|\/)(-|\.\.(\/|$))/.test(path);
  if (!isSound) throw refuse('its path has something that is not allowed');
  return {};
}

const PRIVATE: readonly [string, number, 'ipv4' | 'ipv6'][] = [
  // The IANA special-purpose registries: not globally reachable, multicast and reserved.
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 96, 'ipv6'],
  ['64:ff9b::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 9, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];
const blocked = new BlockList();
for (const [network, prefix, family] of PRIVATE) blocked.addSubnet(network, prefix, family);

/** Whether an IP address is loopback, link-local, private, multicast, reserved, or may lead to such a one. */
export function isPrivate(address: string): boolean {
  const family = isIP(address);
  return family === 0 || blocked.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
