/** Returns the name that is the fewest edits away from the given one; the names must not be empty. */
export function nearest(given: string, names: readonly string[]): string {
  const ranked = names.map((name) => ({ name, distance: edits(given.slice(0, 100), name) }));
  return ranked.reduce((best, each) => (each.distance < best.distance ? each : best)).name;
}

/** The Levenshtein distance of two texts. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
