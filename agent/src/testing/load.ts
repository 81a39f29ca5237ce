import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a load met: how many requests, which of them failed, how many were sent again, and what was answered. */
export type LoadResult = {
  readonly requests: number;
  readonly failures: readonly string[];
  readonly retries: number;
  readonly bodies: ReadonlyMap<string, number>;
};

/**
 * Sends GET requests at a steady rate over kept connections until it is told to stop. As browsers do, it sends a GET once
 * more, on a fresh connection, when the one it was sent on had been used before and ended without an answer.
 */
export function startLoad(target: {
  host: string;
  port: number;
  hostname: string;
  perSecond: number;
}) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const failures: string[] = [];
  const bodies = new Map<string, number>();
  let requests = 0;
  let retries = 0;
  let isStopped = false;
  const note = (what: string) => failures.push(`${new Date().toISOString()} ${what}`);

  const get = (isRetry: boolean) =>
    new Promise<void>((resolve) => {
      const { host, port, hostname } = target;
      const sent = request({
        host,
        port,
        path: '/',
        headers: { host: hostname },
        agent: isRetry ? false : agent,
        timeout: 10_000,
      });
      const fail = (error: Error) => {
        const code = (error as NodeJS.ErrnoException).code ?? '';
        if (!isRetry && sent.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(code)) {
          retries += 1;
          return resolve(get(true));
        }
        note(error.message);
        resolve();
      };
      sent.on('timeout', () => sent.destroy(new Error('no answer within 10 s')));
      sent.on('error', fail);
      sent.on('response', (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (part: string) => (body += part));
        response.on('error', fail);
        response.on('end', () => {
          if (response.statusCode !== 200) note(`status ${response.statusCode}`);
          bodies.set(body, (bodies.get(body) ?? 0) + 1);
          resolve();
        });
      });
      sent.end();
    });

  const running = (async () => {
    const open: Promise<void>[] = [];
    const begin = performance.now();
    while (!isStopped) {
      requests += 1;
      open.push(get(false));
      await sleep(Math.max(0, begin + (requests * 1000) / target.perSecond - performance.now()));
    }
    await Promise.all(open);
    agent.destroy();
  })();

  return {
    /** What has failed so far, each with its time. */
    failures: failures as readonly string[],
    async stop(): Promise<LoadResult> {
      isStopped = true;
      await running;
      return { requests, failures, retries, bodies };
    },
  };
}
