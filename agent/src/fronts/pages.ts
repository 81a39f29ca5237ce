/** The page for a host name that no app has; it repeats nothing of the request. */
export const UNKNOWN_PAGE = page(
  'No app answers here',
  'This address reaches ServerFlow, but no app of this server is served under this host name. Deploy the app, add the host name to it as a domain, or check the spelling: an app called “shop” answers at http://shop.localhost with the port of this address.',
);

/** The page for an app whose program does not answer. */
export const DOWN_PAGE = page(
  'The app does not answer',
  'ServerFlow knows this app, but its program refused the connection or gave no answer in time. Look at the app’s log in the dashboard, then restart it or roll back to a release that worked.',
);

/** The page for a file that a static site does not have and has no 404.html for. */
export const MISSING_PAGE = page('Not found', 'This site has no page at this address.');

/** The page for a request that is larger than a front takes. */
export const LARGE_PAGE = page('Too large', 'The front takes at most 100 MiB in one request.');

/** How much one request may carry, in bytes; 100 MiB. */
export const BODY_BYTES = 100 * 1024 * 1024;

function page(title: string, text: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif; }
  main { max-width: 34rem; margin: 18vh auto 0; padding: 0 1.5rem; }
  h1 { font-size: 1.6rem; line-height: 1.2; }
</style>
<main><h1>${title}</h1><p>${text}</p></main>
</html>
`;
}
