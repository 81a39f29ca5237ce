import { timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import { region } from './region.ts';

const STEPS = [
  ['second', 1000, 60_000],
  ['minute', 60_000, 3_600_000],
  ['hour', 3_600_000, 86_400_000],
  ['day', 86_400_000, Infinity],
] as const;

/** A timestamp as milliseconds since 1970; undefined when it is not set. */
export function ms(time: Timestamp | undefined): number | undefined {
  return time && timestampMs(time);
}

/** How long ago, such as "3 min. ago"; under five seconds it is now, after 30 days it is the date. */
export function ago(time: number, now: number): string {
  const passed = Math.max(0, now - time);
  if (passed > 30 * 86_400_000) return date(time);
  const format = new Intl.RelativeTimeFormat(region(), { numeric: 'auto', style: 'short' });
  if (passed < 5_000) return format.format(0, 'second');
  const [unit, size] = STEPS.find(([, , limit]) => passed < limit) ?? STEPS[3];
  return format.format(-Math.floor(passed / size), unit);
}

/** How long from now, such as "in 12 min."; what is past is now. */
export function until(time: number, now: number): string {
  const left = Math.max(0, time - now);
  const [unit, size] = STEPS.find(([, , limit]) => left < limit) ?? STEPS[3];
  return new Intl.RelativeTimeFormat(region(), { numeric: 'auto', style: 'short' }).format(
    Math.round(left / size),
    unit,
  );
}

/** A day, such as 4 Nov 2026. */
export function date(time: number): string {
  return new Intl.DateTimeFormat(region(), { dateStyle: 'medium' }).format(time);
}

/** A moment to the second, such as 4 Nov 2026, 14:02:11. */
export function moment(time: number): string {
  return new Intl.DateTimeFormat(region(), { dateStyle: 'medium', timeStyle: 'medium' }).format(
    time,
  );
}

/** The time of day to the second. */
export function clock(time: number): string {
  return new Intl.DateTimeFormat(region(), { timeStyle: 'medium' }).format(time);
}
