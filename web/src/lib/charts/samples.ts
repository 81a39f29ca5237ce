import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Sample } from '@serverflow/gen/es/serverflow/metric/v1/metric_pb';

/** Columns as uPlot wants them: seconds since 1970, then one column per series; null is a gap. */
export type Columns = [number[], ...(number | null)[][]];

/** Samples further apart than this, in seconds, have a gap between them: three missed samples of 30 s. */
export const GAP_S = 100;

/** Lays samples out as columns; a silence becomes a gap, never a line drawn across it. */
export function columns(samples: Sample[], series: ((sample: Sample) => number)[]): Columns {
  const times: number[] = [];
  const values: (number | null)[][] = series.map(() => []);
  let before = Infinity;
  for (const sample of samples) {
    const time = sample.time ? timestampMs(sample.time) / 1000 : 0;
    if (time - before > GAP_S) {
      times.push(before + 1);
      for (const column of values) column.push(null);
    }
    times.push(time);
    series.forEach((value, index) => values[index]?.push(value(sample)));
    before = time;
  }
  return [times, ...values];
}

/** Adds new samples behind the old ones and drops what is older than the span, in milliseconds. */
export function appended(old: Sample[], more: Sample[], spanMs: number): Sample[] {
  const known = time(old.at(-1));
  const all = [...old, ...more.filter((sample) => time(sample) > known)];
  const oldest = time(all.at(-1)) - spanMs;
  return all.filter((sample) => time(sample) >= oldest);
}

function time(sample: Sample | undefined): number {
  return sample?.time ? timestampMs(sample.time) : 0;
}
