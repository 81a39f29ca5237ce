import { cpus, totalmem } from 'node:os';
import { isReached, ratioOf, type Figure, type Findings } from './figure.ts';

/** The findings of a bench under its name. */
export type Named = Findings & { readonly name: string };

/** Findings as Markdown: a table of all figures, then what explains them. */
export function report(all: readonly Named[]): string {
  const head = ['what', 'ours', 'against', 'it takes', 'ratio', 'aim'];
  const rows = all.flatMap(({ figures }) => figures.map(row));
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const notes = all.flatMap((one) => one.notes.map((note) => `- ${note}`));
  return [...lines, '', ...notes].join('\n').trim();
}

/** In one line, on what the figures were measured. */
export function machine(): string {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `Node ${process.versions.node}, ${cpus().length} cores (${first?.model.trim() ?? 'unknown'}), ${memory} GB, ${process.platform}`;
}

/** A number with the digits that mean something. */
export function amount(value: number, unit: string): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}

function row(figure: Figure): string[] {
  const { what, ours, against, floor, unit, aim } = figure;
  const ratio = ratioOf(figure);
  const digits = ratio < 2 ? 2 : 1;
  const isCheaper = aim !== undefined && 'atLeast' in aim;
  return [
    what,
    amount(ours, unit),
    against,
    amount(floor, unit),
    `${ratio.toFixed(digits)}×${isCheaper ? ' cheaper' : ''}`,
    aim ? aimText(figure, aim) : '–',
  ];
}

function aimText(figure: Figure, aim: NonNullable<Figure['aim']>): string {
  const bound = 'atLeast' in aim ? `≥ ${aim.atLeast}×` : `≤ ${aim.atMost}×`;
  return `${bound}, ${isReached(figure) ? 'reached' : 'missed'}`;
}
