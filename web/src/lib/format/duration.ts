import { region } from './region.ts';

/** A span of milliseconds: under a second in ms, under ten seconds with one digit, then minutes and hours. */
export function duration(spanMs: number): string {
  if (spanMs < 1_000) return unit(Math.max(0, Math.round(spanMs)), 'millisecond', 0);
  if (spanMs < 10_000) return unit(spanMs / 1_000, 'second', 1);
  const seconds = Math.round(spanMs / 1_000);
  if (seconds < 60) return unit(seconds, 'second', 0);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${unit(minutes, 'minute', 0)} ${unit(seconds % 60, 'second', 0)}`;
  return `${unit(Math.floor(minutes / 60), 'hour', 0)} ${unit(minutes % 60, 'minute', 0)}`;
}

function unit(value: number, name: string, digits: number): string {
  return new Intl.NumberFormat(region(), {
    style: 'unit',
    unit: name,
    unitDisplay: 'narrow',
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  }).format(value);
}
