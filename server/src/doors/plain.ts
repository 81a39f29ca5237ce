import type { Handler } from './listen.ts';

/** What readiness looks at: each check throws or answers why it is not ready. */
export type Checks = Readonly<Record<string, () => Promise<string | undefined>>>;

/** /healthz (the process answers) and /readyz (each check, with its reason); everything else goes on. */
export function plainDoor(checks: Checks, next: Handler): Handler {
  return (request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    if (path === '/healthz') return json(response, 200, { status: 'ok' });
    if (path !== '/readyz') return next(request, response);
    void ready(checks).then((answer) => json(response, answer.ready ? 200 : 503, answer));
  };
}

/** Runs every check. */
export async function ready(
  checks: Checks,
): Promise<{ ready: boolean; checks: Record<string, string> }> {
  const entries = await Promise.all(
    Object.entries(checks).map(
      async ([name, check]) =>
        [name, (await check().catch((thrown: unknown) => String(thrown))) ?? 'ok'] as const,
    ),
  );
  return {
    ready: entries.every(([, answer]) => answer === 'ok'),
    checks: Object.fromEntries(entries),
  };
}

function json(response: Parameters<Handler>[1], status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
