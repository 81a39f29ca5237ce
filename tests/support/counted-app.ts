import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Files } from './git-server.ts';

/** What a release waits for: its build, or its health, until the test opens the gate. */
export type Wait = 'build' | 'health' | 'nothing';

/** An app that notes beside itself what it does, so that a test can hold what is said of it against what it did. */
export type CountedApp = {
  /** The files of a release that answers with its label. */
  readonly files: (label: string, waitsFor?: Wait) => Files;
  /** Lets the release of a label go on. */
  readonly open: (label: string) => void;
  /** How often a release was built or its program was started. */
  readonly count: (what: 'build' | 'start', label: string) => number;
  /** The processes that were started for a release, oldest first. */
  readonly pids: (label: string) => number[];
  /** Every line that its programs printed so far, in order. */
  readonly printed: () => string[];
  readonly remove: () => void;
};

/** Makes an app whose programs print a numbered line every 20 ms, and the folder in which they note what they do. */
export function makeCountedApp(): CountedApp {
  const folder = mkdtempSync(join(tmpdir(), 'sf-counted-'));
  const gate = (label: string) => join(folder, `open-${label}`);
  const lines = (name: string) => {
    const file = join(folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  };
  const noted = (what: string, label: string) =>
    lines('notes').filter((line) => line.startsWith(`${what} ${label} `));
  return {
    files: (label, waitsFor = 'nothing') => ({
      'package.json': JSON.stringify({
        name: 'counted',
        version: '1.0.0',
        private: true,
        type: 'module',
        scripts: { build: 'node build.js', start: 'node server.js' },
      }),
      'package-lock.json': JSON.stringify({
        name: 'counted',
        version: '1.0.0',
        lockfileVersion: 3,
        requires: true,
        packages: { '': { name: 'counted', version: '1.0.0' } },
      }),
      'build.js': buildOf(folder, label, waitsFor === 'build' ? gate(label) : ''),
      'server.js': serverOf(folder, label, waitsFor === 'health' ? gate(label) : ''),
    }),
    open: (label) => writeFileSync(gate(label), ''),
    count: (what, label) => noted(what, label).length,
    pids: (label) => noted('start', label).map((line) => Number(line.split(' ')[2])),
    printed: () => lines('printed'),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }),
  };
}

function buildOf(folder: string, label: string, gate: string): string {
  return `import { appendFileSync, existsSync } from 'node:fs';
appendFileSync(${JSON.stringify(join(folder, 'notes'))}, 'build ${label} ' + process.pid + '\\n');
const gate = ${JSON.stringify(gate)};
const look = () => !gate || existsSync(gate) ? console.log('built') : setTimeout(look, 20);
look();
`;
}

function serverOf(folder: string, label: string, gate: string): string {
  return `import { appendFileSync, existsSync } from 'node:fs';
import { createServer } from 'node:http';
appendFileSync(${JSON.stringify(join(folder, 'notes'))}, 'start ${label} ' + process.pid + '\\n');
const gate = ${JSON.stringify(gate)};
let number = 0;
const say = () => {
  const line = '${label} ' + process.pid + ' ' + ++number;
  console.log(line);
  appendFileSync(${JSON.stringify(join(folder, 'printed'))}, line + '\\n');
};
setInterval(say, 20);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0));
createServer((_, response) => {
  response.statusCode = !gate || existsSync(gate) ? 200 : 503;
  response.end('${label}');
}).listen(process.env.PORT, '127.0.0.1');
`;
}
