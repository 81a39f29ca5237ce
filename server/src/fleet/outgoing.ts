/** How many messages may wait for a slow agent before its session is ended. */
const bound = 10_000;

/** What waits to be sent down a stream: pushed by many, read by one. */
export class Outgoing<T> {
  #waiting: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  /** Queues a message; false when the stream has ended or the other side does not keep up. */
  push(message: T): boolean {
    if (this.#ended || this.#waiting.length >= bound) return false;
    this.#waiting.push(message);
    this.#wake?.();
    return true;
  }

  /** Ends the stream once what waits is sent. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      const [next] = this.#waiting.splice(0, 1);
      if (next !== undefined) {
        yield next;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
    }
  }
}
