import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The host name under which a front says which configuration it serves, to this machine only. */
export const GENERATION_HOST = 'front.serverflow.invalid';

/** Where a front listens; the host may be an IPv6 address in brackets. */
export type Listen = { readonly host: string; readonly port: number };

/** Asks a front which configuration it serves; undefined when it does not say. */
export function readGeneration(listen: Listen, timeoutMs = 1000): Promise<number | undefined> {
  const anywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const bare = listen.host.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const asked = request(
      {
        host: anywhere[bare] ?? bare,
        port: listen.port,
        path: '/generation',
        headers: { host: GENERATION_HOST },
        agent: false,
        timeout: timeoutMs,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', () => resolve(undefined));
        response.on('end', () =>
          resolve(/^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined),
        );
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

/** Waits until a front serves a configuration, or a newer one, and nothing older; false when `isOver` or the time says that it will not. */
export async function becomesLive(
  listen: Listen,
  generation: number,
  {
    timeoutMs,
    isOver,
    isSettled,
  }: { timeoutMs: number; isOver: () => boolean; isSettled: () => boolean },
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const served = await readGeneration(listen);
    if (served !== undefined && served >= generation && isSettled()) return true;
    if (isOver()) return false;
    await sleep(20);
  }
  return false;
}
