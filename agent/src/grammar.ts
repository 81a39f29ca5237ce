/** An id of anything: it becomes a folder's name, so it holds nothing but letters, digits, dashes and underscores. */
export const isId = (id: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(id);

/** The name of an app, which is also its host name under localhost. */
export const isName = (name: string): boolean => /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name);

/** A UUIDv7 in its usual spelling (RFC 9562). */
export const isOrderId = (id: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id);

/** The name of an npm script; empty means the usual one. */
export const isScript = (name: string): boolean =>
  /^([A-Za-z0-9_][A-Za-z0-9:._-]{0,59})?$/.test(name);

/** What the agent itself gives to a program, or what would make its runtime load something else. */
const RESERVED = /^(PORT|HOST|PATH|NODE_OPTIONS|LD_.*|DYLD_.*|SERVERFLOW_.*)$/;

/** The name of an environment variable that an app may have. */
export const isVariable = (name: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(name) && !RESERVED.test(name);

/** The path of a health check. */
export const isHealthPath = (path: string): boolean =>
  path.length <= 200 && /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$/.test(path);

const hasControl = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text);

/** Says what is wrong with a host name to serve, or nothing; lower case, at least two labels (RFC 1123). */
export function hostnameFault(hostname: string): string | undefined {
  const labels = hostname.split('.');
  if (hostname.length > 253 || labels.length < 2) return 'it is no full host name';
  if (!labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))) {
    return 'it has something other than lower-case letters, digits and dashes between its dots';
  }
  const last = labels.at(-1) ?? '';
  if (/^[0-9]+$/.test(last) || last.startsWith('0x')) return 'it is an address, not a name';
  if (last === 'localhost') return 'names under localhost belong to the apps themselves';
  return undefined;
}

/** Says what is wrong with a folder inside a repository, or nothing; empty means its root. */
export function pathFault(path: string): string | undefined {
  if (path === '') return undefined;
  if (path.length > 200) return 'it is longer than 200 characters';
  if (hasControl(path) || path.includes('\\')) return 'it has a control character or a backslash';
  if (path.startsWith('/')) return 'it is absolute';
  const parts = path.split('/');
  if (parts.some((part) => part === '..')) return 'it leaves its folder';
  if (parts.some((part) => part === '' || part === '.')) return 'it has an empty part';
  if (parts.some((part) => part.startsWith('-'))) return 'a part of it begins with a dash';
  if (parts.some((part) => part.toLowerCase() === '.git')) return 'it goes into .git';
  return undefined;
}

/** Says what is wrong with a branch, tag or commit id, or nothing; the rules of git check-ref-format; empty means the default branch. */
export function refFault(ref: string): string | undefined {
  if (ref === '') return undefined;
  if (ref.length > 200) return 'it is longer than 200 characters';
  if (ref.startsWith('-')) return 'it begins with a dash';
  if (hasControl(ref) || /[ ~^:?*[\\]/.test(ref)) return 'it has a character that git forbids';
  if (ref.includes('..') || ref.includes('@{') || ref === '@')
    return 'it is an expression, not a name';
  const parts = ref.split('/');
  if (parts.some((part) => part === '' || part.startsWith('.') || part.endsWith('.lock'))) {
    return 'git does not allow such a name';
  }
  return ref.endsWith('.') ? 'it ends with a dot' : undefined;
}
