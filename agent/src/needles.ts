/** A part of a text, from start (inclusive) to end (exclusive), in UTF-16 units. */
export type Span = { start: number; end: number };

/**
 * Finds any of many texts in one pass, whatever they are: an Aho-Corasick automaton, so that the time is linear in the text
 * even where secrets and text are made to be slow.
 */
export class Needles {
  /** Edges by node x 65536 + UTF-16 unit. */
  readonly #edges = new Map<number, number>();
  readonly #depth: number[] = [0];
  readonly #fail: number[] = [0];
  /** The length of the longest needle that ends at a node; 0 means none. */
  readonly #found: number[] = [0];

  constructor(needles: Iterable<string>) {
    for (const needle of needles) this.#insert(needle);
    this.#link();
  }

  /** Returns the spans of all needles, merged, and how many units at the end could begin another one. */
  find(text: string): { spans: Span[]; open: number } {
    const spans: Span[] = [];
    let node = 0;
    for (let index = 0; index < text.length; index++) {
      node = this.#step(node, text.charCodeAt(index));
      const length = this.#found[node] ?? 0;
      if (length > 0) addSpan(spans, { start: index + 1 - length, end: index + 1 });
    }
    return { spans, open: this.#depth[node] ?? 0 };
  }

  #insert(needle: string): void {
    let node = 0;
    for (let index = 0; index < needle.length; index++) {
      const edge = node * 65_536 + needle.charCodeAt(index);
      let next = this.#edges.get(edge);
      if (next === undefined) {
        next = this.#depth.push(index + 1) - 1;
        this.#fail.push(0);
        this.#found.push(0);
        this.#edges.set(edge, next);
      }
      node = next;
    }
    this.#found[node] = needle.length;
  }

  /** Sets each node's longest proper suffix that is also a beginning of a needle, nearest to the root first. */
  #link(): void {
    const byDepth = [...this.#edges].sort(
      ([, a], [, b]) => (this.#depth[a] ?? 0) - (this.#depth[b] ?? 0),
    );
    for (const [edge, node] of byDepth) {
      const parent = Math.floor(edge / 65_536);
      const fail = parent === 0 ? 0 : this.#step(this.#fail[parent] ?? 0, edge % 65_536);
      this.#fail[node] = fail;
      if (this.#found[node] === 0) this.#found[node] = this.#found[fail] ?? 0;
    }
  }

  #step(from: number, unit: number): number {
    for (let node = from; ; node = this.#fail[node] ?? 0) {
      const next = this.#edges.get(node * 65_536 + unit);
      if (next !== undefined) return next;
      if (node === 0) return 0;
    }
  }
}

/** Adds a span that ends last; spans that overlap or touch become one. */
function addSpan(spans: Span[], span: Span): void {
  let start = span.start;
  for (let last = spans.at(-1); last !== undefined && last.end >= start; last = spans.at(-1)) {
    start = Math.min(start, last.start);
    spans.pop();
  }
  spans.push({ start, end: span.end });
}
