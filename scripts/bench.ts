// npm run bench [-- name] [-- --write]: measures what we claim, each figure beside a floor or a peer in the same run.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { deploys } from '../bench/deploys.ts';
import { isFarOff, type Bench } from '../bench/figure.ts';
import { logs } from '../bench/logs.ts';
import { orders } from '../bench/orders.ts';
import { machine, report, type Named } from '../bench/report.ts';
import { starts } from '../bench/starts.ts';
import { root } from './step.ts';

const benches: readonly Bench[] = [
  { name: 'orders', run: orders },
  { name: 'deploys', run: deploys },
  { name: 'logs', run: logs },
  { name: 'starts', run: starts },
];
const page = join(root, 'docs/benchmarks.md');

const args = process.argv.slice(2);
const isWritten = args.includes('--write');
const names = args.filter((arg) => arg !== '--write');
const unknown = names.find((name) => !benches.some((bench) => bench.name === name));
if (unknown !== undefined) {
  console.error(
    `There is no bench ${unknown}; there are ${benches.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}

const found: Named[] = [];
for (const { name, run } of benches) {
  if (names.length > 0 && !names.includes(name)) continue;
  const begin = performance.now();
  found.push({ name, ...(await run()) });
  console.error(`${name}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
}
console.log(`\n${machine()}\n\n${await pretty(report(found))}`);
if (isWritten) writeFileSync(page, await pretty(withTable(readFileSync(page, 'utf8'))));
const farOff = found.flatMap(({ figures }) => figures).filter(isFarOff);
for (const { what } of farOff) console.error(`Far from its aim: ${what}`);
process.exitCode = farOff.length > 0 ? 1 : 0;

/** The page with a fresh table between its markers; throws where it has none. */
function withTable(text: string): string {
  const [before, rest] = text.split('<!-- bench:begin -->\n');
  const after = rest?.split('<!-- bench:end -->')[1];
  if (before === undefined || after === undefined)
    throw new Error(`${page} has no bench:begin and bench:end to write between.`);
  const command = ['npm run bench --', ...names, '--write'].join(' ');
  const date = new Date().toISOString().slice(0, 10);
  const about = `Made by \`${command}\` on ${date}: ${machine()}.`;
  return `${before}<!-- bench:begin -->\n\n${about}\n\n${report(found)}\n\n<!-- bench:end -->${after}`;
}

async function pretty(text: string): Promise<string> {
  const config = await resolveConfig(page);
  return (await format(text, { ...config, parser: 'markdown' })).trimEnd() + '\n';
}
