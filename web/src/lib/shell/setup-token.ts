/** The one-time token of the printed address, /setup#… or /setup?token=…; empty when there is none. */
export function setupToken(url: URL): string {
  const query = url.searchParams.get('token');
  if (query) return query;
  const hash = url.hash.replace(/^#/, '');
  return new URLSearchParams(hash).get('token') ?? decodeURIComponent(hash);
}
