import { createHash } from 'node:crypto';
import { clientName, type ClientName } from './session.ts';

const most = 1000;

/**
 * Remembers how clients of the older protocol named themselves: they say it in initialize and, without a
 * session, never again. The last 1,000 are kept, in memory only.
 */
export interface Clients {
  /** Learns from a body when it is an initialize, and returns the client's name where it is known. */
  learn(token: string, userAgent: string, body: unknown): ClientName | undefined;
}

/** Makes an empty memory of clients. */
export function makeClients(): Clients {
  const known = new Map<string, ClientName>();
  return {
    learn(token, userAgent, body) {
      const key = createHash('sha256').update(`${token}\n${userAgent}`).digest('base64');
      const name = initializedName(body) ?? known.get(key);
      if (!name) return undefined;
      known.delete(key);
      known.set(key, name);
      const oldest = known.keys().next().value;
      if (known.size > most && oldest !== undefined) known.delete(oldest);
      return name;
    },
  };
}

function initializedName(body: unknown): ClientName | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { method, params } = body as { method?: unknown; params?: { clientInfo?: unknown } };
  return method === 'initialize' ? clientName(params?.clientInfo) : undefined;
}
