/** The path to go to after signing in: one of this dashboard's own, else the overview. */
export function localPath(wanted: string | null): string {
  if (!wanted?.startsWith('/')) return '/';
  const url = new URL(wanted, 'http://here.invalid');
  return url.origin === 'http://here.invalid' ? url.pathname + url.search + url.hash : '/';
}
