import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

type Catalogue = Record<string, string | { match: Record<string, string> }[]>;

const read = (path: string): Catalogue => {
  const text = readFileSync(new URL(`../../messages/${path}`, import.meta.url), 'utf8');
  const { $schema: _, ...messages } = JSON.parse(text) as Catalogue;
  return messages;
};
const inputs = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
const variants = (message: Catalogue[string] = '') =>
  typeof message === 'string' ? [message] : message.flatMap(({ match }) => Object.values(match));

test.each(['', 'apps/'])('%s every message is there in English and in French', (folder) => {
  const [english, french] = [read(`${folder}en.json`), read(`${folder}fr.json`)];
  expect(Object.keys(french)).toEqual(Object.keys(english));
  for (const [name, message] of Object.entries(english)) {
    const [first = ''] = variants(message);
    for (const text of [...variants(message), ...variants(french[name])]) {
      expect(text, name).not.toBe('');
      expect(inputs(text), name).toEqual(inputs(first));
    }
  }
});

test('no message has the name of a file that the browser may not load', () => {
  const names = [...Object.keys(read('en.json')), ...Object.keys(read('apps/en.json'))];
  expect(names).not.toContain('server');
});
