import { expect } from 'vitest';

/** Polls until what is read fits the expectation, for at most 15 s: a busy machine is no failure. */
export function soon<T>(read: () => T) {
  return expect.poll(read, { timeout: 15_000 });
}
