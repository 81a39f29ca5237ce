import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { networkEnv } from './world.ts';

const execute = promisify(execFile);

/** An app as its framework's public generator makes it, and what shows in a browser that it was changed. */
export type GeneratedApp = {
  readonly name: string;
  /** The generator with its answers, as words for npx. */
  readonly generator: string;
  /** What is changed by hand before the first commit: file, what stands there, what takes its place. */
  readonly prepared: readonly Edit[];
  /** The file that a person edits, and a text of the page in it. */
  readonly file: string;
  readonly title: string;
};

type Edit = readonly [file: string, from: string, to: string];

/** An Express app, a Vite site and a SvelteKit app with the Node adapter that its documentation asks for. */
export const generatedApps: readonly GeneratedApp[] = [
  {
    name: 'express',
    generator: 'express-generator@4.16.1 --no-view --git express',
    prepared: [],
    file: 'public/index.html',
    title: '<h1>Express</h1>',
  },
  {
    name: 'vite',
    generator: 'create-vite@6 vite --template vanilla-ts',
    prepared: [],
    file: 'src/main.ts',
    title: '<h1>Vite + TypeScript</h1>',
  },
  {
    name: 'kit',
    generator: 'sv@0.9 create kit --template minimal --types ts --no-add-ons --no-install',
    prepared: [
      ['package.json', '"@sveltejs/adapter-auto": "^7.0.0"', '"@sveltejs/adapter-node": "^5.0.0"'],
      ['svelte.config.js', '@sveltejs/adapter-auto', '@sveltejs/adapter-node'],
    ],
    file: 'src/routes/+page.svelte',
    title: '<h1>Welcome to SvelteKit</h1>',
  },
];

/** Runs an app's generator in a folder and returns the new app's own folder; throws with the generator's words when it fails. */
export async function generate(app: GeneratedApp, inside: string): Promise<string> {
  const { PATH, HOME } = process.env;
  await execute('npx', ['--yes', ...app.generator.split(' ')], {
    cwd: inside,
    timeout: 120_000,
    env: { PATH, HOME, ...networkEnv(), NO_COLOR: '1' },
  });
  const folder = join(inside, app.name);
  for (const change of app.prepared) edit(folder, change);
  return folder;
}

/** Replaces a text in a file of a folder; throws where it does not stand. */
export function edit(folder: string, [file, from, to]: Edit): void {
  const path = join(folder, file);
  const before = readFileSync(path, 'utf8');
  if (!before.includes(from)) throw new Error(`${file} does not hold ${from}:\n${before}`);
  writeFileSync(path, before.replaceAll(from, to));
}
