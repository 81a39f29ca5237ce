/** Polls until something is there; throws with what was waited for when it takes too long. */
export async function until<T>(
  look: () => T | undefined | false | null | Promise<T | undefined | false | null>,
  what: string,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline)
      throw new Error(`${what} did not come within ${timeoutMs} ms`);
    await new Promise((done) => setTimeout(done, 10));
  }
}
