import { problem, Reason } from './problems.ts';

/**
 * Refuses a call that carries the session cookie and does not come from the dashboard's own pages. Browsers say where a call comes
 * from (Origin, Sec-Fetch-Site); whoever says neither must send Connect's protocol header, which a form of another page cannot.
 */
export function checkOrigin(headers: Headers, origins: readonly string[]): void {
  const origin = headers.get('origin');
  const site = headers.get('sec-fetch-site');
  if (origin !== null && !origins.includes(origin)) throw problem(Reason.BAD_ORIGIN);
  if (site !== null && site !== 'same-origin') throw problem(Reason.BAD_ORIGIN);
  if (origin === null && site === null && !headers.has('connect-protocol-version'))
    throw problem(Reason.BAD_ORIGIN);
}

/** The origins under which the dashboard is reached: the public address and, for a loopback one, its other names. */
export function dashboardOrigins(publicUrl: string): string[] {
  const url = new URL(publicUrl);
  if (!/^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)) return [url.origin];
  const port = url.port ? `:${url.port}` : '';
  return ['localhost', '127.0.0.1', '[::1]'].map((host) => `${url.protocol}//${host}${port}`);
}
