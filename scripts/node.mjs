// node scripts/node.mjs <file.ts> …: runs it on the pinned Node, whatever Node runs this (20 or newer).
// npm's own link, node_modules/.bin/node, is not enough: npm 10 removes it again with the other platform's package.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const name = `node-${process.platform}-${process.arch}`;
const pinned = fileURLToPath(new URL(`../node_modules/${name}/bin/node`, import.meta.url));
const program = existsSync(pinned) ? pinned : process.execPath;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (program !== pinned && (major < 24 || (major === 24 && minor < 7))) {
  console.error(
    `ServerFlow needs Node 24.7 or newer here: ${name} is not installed and this is Node ${process.versions.node}. Run npm ci, or install a newer Node.`,
  );
  process.exit(1);
}

const child = spawn(program, process.argv.slice(2), {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(program)}${delimiter}${process.env.PATH ?? ''}` },
});
process.on('SIGTERM', () => child.kill('SIGTERM'));
// A terminal sends these to both of us: passed on, the program would take the second one for impatience.
for (const signal of ['SIGINT', 'SIGHUP']) {
  process.on(signal, () => process.stdin.isTTY || child.kill(signal));
}
child.on('error', (error) => {
  console.error(`${program} cannot be started: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
