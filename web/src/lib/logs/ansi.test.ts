import { expect, test } from 'vitest';
import { pieces, plain } from './ansi.ts';

const esc = '\u001b';

test('colours and weights become classes of a closed list', () => {
  expect(pieces(`${esc}[1;32mGET${esc}[0m /`)).toEqual([
    { text: 'GET', classes: 'ansi-fg-green ansi-bold' },
    { text: ' /', classes: '' },
  ]);
  expect(pieces(`${esc}[91mhot${esc}[0m`)[0]?.classes).toBe('ansi-fg-red');
});

test('markup in a line stays text', () => {
  const line = '<img src=x onerror=alert(1)>';
  expect(pieces(line)).toEqual([{ text: line, classes: '' }]);
  expect(pieces(`${esc}[31m${line}${esc}[0m`)[0]?.text).toBe(line);
});

test('sequences that move the cursor, set a title or ring are dropped', () => {
  expect(plain(`a${esc}[2Kb${esc}[10;5Hc\u0007d`)).toBe('abcd');
  expect(
    pieces(`${esc}[2J${esc}[31mred${esc}[0m\u0007`)
      .map(({ text }) => text)
      .join(''),
  ).toBe('red');
});

test('tabs stay', () => {
  expect(plain('a\tb')).toBe('a\tb');
});
