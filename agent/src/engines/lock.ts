/** Runs one task after the other, in the order of their coming; a task that fails does not hold up the next. */
export type Lock = <Result>(task: () => Promise<Result>) => Promise<Result>;

/** Makes a lock. */
export function createLock(): Lock {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task, task);
    last = next.catch(() => undefined);
    return next;
  };
}
