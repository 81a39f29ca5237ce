/** What an aim asks of a ratio: at most so many times the floor, or at least so many times cheaper than it. */
export type Aim = { readonly atMost: number } | { readonly atLeast: number };

/** One figure that we claim: ours beside a floor or a peer that was measured in the same run, in the same unit. */
export type Figure = {
  readonly what: string;
  readonly ours: number;
  readonly against: string;
  readonly floor: number;
  readonly unit: 'ms' | 'µs' | 'MB';
  /** Undefined where the figure is told and nothing is promised. */
  readonly aim?: Aim;
};

/** What a bench found: its figures, and sentences that explain them. */
export type Findings = { readonly figures: readonly Figure[]; readonly notes: readonly string[] };

/** A bench by its name for the command line. */
export type Bench = { readonly name: string; readonly run: () => Promise<Findings> };

/** The factor by which a ratio may lie beyond its aim before the command fails: a busy machine moves ratios, a regression doubles them. */
const margin = 1.5;

/** How many times the floor ours costs or, where the aim is to be cheaper, how many times ours is cheaper. */
export function ratioOf({ ours, floor, aim }: Figure): number {
  return aim && 'atLeast' in aim ? floor / ours : ours / floor;
}

/** Whether a figure reaches its aim; one without an aim always does. */
export function isReached(figure: Figure, slack = 1): boolean {
  const { aim } = figure;
  if (!aim) return true;
  const ratio = ratioOf(figure);
  return 'atLeast' in aim ? ratio >= aim.atLeast / slack : ratio <= aim.atMost * slack;
}

/** Whether a figure misses its aim by so much that no busy machine explains it. */
export function isFarOff(figure: Figure): boolean {
  return !isReached(figure, margin);
}

/** The middle of some numbers; throws when there is none. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('There is no median of nothing.');
  return sorted.length % 2 === 1 ? middle : (middle + (sorted[sorted.length / 2 - 1] ?? 0)) / 2;
}
