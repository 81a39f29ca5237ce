import { region } from './region.ts';

/** A whole number with the language's grouping. */
export function count(value: number): string {
  return new Intl.NumberFormat(region(), { maximumFractionDigits: 0 }).format(value);
}

/** A share from 0 to 100, such as 42%. */
export function percent(value: number): string {
  return new Intl.NumberFormat(region(), {
    style: 'percent',
    maximumFractionDigits: value > 0 && value < 10 ? 1 : 0,
  }).format(value / 100);
}

/** The first seven digits of a commit id. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 7);
}
