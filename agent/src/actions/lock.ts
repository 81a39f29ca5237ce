const busy = new Map<string, Promise<unknown>>();

/** Whether an action holds an app. */
export const isBusy = (appId: string): boolean => busy.has(appId);

/** Does work while holding an app, so that no two actions of this agent touch it at once; the caller has seen that it is free. */
export async function holding<T>(appId: string, work: () => Promise<T>): Promise<T> {
  if (busy.has(appId)) throw new Error(`the app ${appId} is held already`);
  const running = work();
  busy.set(appId, running);
  try {
    return await running;
  } finally {
    busy.delete(appId);
  }
}

/** Waits until an app is free, then does work while holding it; actions have deadlines of their own, so this ends. */
export async function afterOthers<T>(
  appId: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let other = busy.get(appId); other !== undefined; other = busy.get(appId)) {
    await other.catch(() => undefined);
    signal.throwIfAborted();
  }
  return holding(appId, work);
}
