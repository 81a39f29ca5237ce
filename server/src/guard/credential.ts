import type { Call } from './call.ts';

/** The topic that tells that a session or a token has ended before its time, by the id of its row. */
export function credentialTopic(id: string): string {
  return `credential:${id}`;
}

/** setTimeout's largest delay, in milliseconds. */
const longestMs = 2 ** 31 - 1;

/** A signal that aborts when the caller's session or token is revoked or expires; it stops listening when the call ends. */
export function credentialEnds(call: Call): AbortSignal {
  const ended = new AbortController();
  const { caller } = call;
  if (caller.kind === 'anyone') return ended.signal;
  const timer = setTimeout(
    () => ended.abort(),
    Math.min(longestMs, Math.max(0, caller.expiresAt.getTime() - Date.now())),
  );
  call.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  timer.unref();
  const topic = credentialTopic(caller.kind === 'person' ? caller.session : caller.token);
  void hear(call, topic, () => ended.abort());
  return ended.signal;
}

async function hear(call: Call, topic: string, end: () => void): Promise<void> {
  for await (const _heard of call.live.subscribe([topic], call.signal)) return end();
}
