import { isIP } from 'node:net';
import { problem, Reason } from '../guard/problems.ts';

/** Where an app's files come from, as given. */
export type SourceInput = { repository: string; ref: string; directory: string };

/** Checks a source; `listed` are the repository hosts that the server's own policy names. Throws BAD_REPOSITORY, BAD_REF or BAD_PATH. */
export function checkSource(source: SourceInput, listed: readonly string[]): void {
  checkRepository(source.repository, listed);
  checkRef(source.ref);
  checkDirectory('directory', source.directory);
}

/**
 * Checks a repository's address: https://, ssh://, git@host:path or example:NAME. Clear http and private addresses only where the
 * server's own policy lists the host; nothing that git could read as an option, a helper (ext::) or a file. The agent checks the same again.
 */
export function checkRepository(repository: string, listed: readonly string[]): void {
  const refuse = (why: string): never => {
    throw problem(Reason.BAD_REPOSITORY, { why });
  };
  if (/^example:[a-z][a-z0-9-]{0,39}$/.test(repository)) return;
  if (/[\s\x00-\x1f\x7f\\]/.test(repository)) refuse('it holds spaces or control characters');
  if (repository.startsWith('-')) refuse('it begins with a dash');
  if (/^[a-z0-9+.-]+::/i.test(repository)) refuse('remote helpers are not allowed');
  const scp = /^([A-Za-z0-9._-]+)@([A-Za-z0-9.-]+):(?!\/\/)([A-Za-z0-9._~/-]+)$/.exec(repository);
  if (scp) return checkHost(scp[2]!, listed, refuse);
  const url = URL.canParse(repository)
    ? new URL(repository)
    : refuse('it is not an address of a repository');
  if (!['https:', 'ssh:', 'http:'].includes(url.protocol))
    refuse(`${url.protocol}// is not allowed`);
  if (url.password || (url.username && url.protocol !== 'ssh:')) refuse('it holds credentials');
  if (url.username && !/^[A-Za-z0-9._-]+$/.test(url.username))
    refuse('its user name is not a plain one');
  if (url.search || url.hash) refuse('it holds a query or a fragment');
  if (url.pathname.length < 2) refuse('it names no repository');
  if (url.protocol === 'http:' && !listed.includes(url.hostname))
    refuse('http:// is not encrypted; use https://');
  checkHost(url.hostname, listed, refuse);
}

function checkHost(host: string, listed: readonly string[], refuse: (why: string) => never): void {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (listed.includes(bare) || listed.includes(host)) return;
  if (listed.length > 0) refuse(`the server's policy does not list ${bare}`);
  if (bare.startsWith('-')) refuse('its host begins with a dash');
  const local =
    bare === 'localhost' ||
    bare.endsWith('.localhost') ||
    bare.endsWith('.local') ||
    bare.endsWith('.internal');
  if (local || (isIP(bare) ? isPrivate(bare) : !bare.includes('.')))
    refuse(`${bare} is a private address`);
}

/** Whether an IP address is not a public one: loopback, private, link-local, shared, multicast, mapped or reserved. */
export function isPrivate(ip: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  const [a = 0, b = 0] = (mapped ?? ip).split('.').map(Number);
  if (isIP(mapped ?? ip) === 4) {
    if (a === 0 || a === 10 || a === 127 || a >= 224) return true;
    return (
      (a === 100 && b >= 64 && b < 128) ||
      (a === 169 && b === 254) ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      (a === 198 && (b === 18 || b === 19))
    );
  }
  return !/^[23]/.test(ip);
}

/** Checks a ref by git's own rules (git-check-ref-format) and ours: no leading dash. Empty means the default branch. */
export function checkRef(ref: string): void {
  const refuse = (why: string): never => {
    throw problem(Reason.BAD_REF, { why });
  };
  if (ref === '') return;
  if (ref.startsWith('-')) refuse('it begins with a dash');
  if (/[\s\x00-\x1f\x7f~^:?*[\\]/.test(ref)) refuse('it holds a character that git refuses');
  if (ref.includes('..') || ref.includes('@{') || ref === '@' || ref.includes('//'))
    refuse('git does not allow it');
  if (/(^|\/)\.|\.lock(\/|$)|[./]$|^\//.test(ref)) refuse('git does not allow it');
}

/** Checks a relative path inside a repository; empty means the root. Throws BAD_PATH. */
export function checkDirectory(field: string, path: string): void {
  const refuse = (why: string): never => {
    throw problem(Reason.BAD_PATH, { field, why });
  };
  if (path === '') return;
  if (path.startsWith('/') || path.startsWith('-') || path.startsWith('~'))
    refuse('it does not begin with a folder of the repository');
  if (/[\x00-\x1f\x7f\\]/.test(path)) refuse('it holds control characters or backslashes');
  const parts = path.split('/');
  if (parts.some((part) => part === '..' || part === '.' || part === '' || part === '.git'))
    refuse('it leaves the repository or names no folder');
}
