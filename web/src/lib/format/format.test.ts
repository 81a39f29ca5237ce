import { beforeEach, expect, test, vi } from 'vitest';
import { overwriteGetLocale } from '#lib/paraglide/runtime.js';
import { bytes } from './bytes.ts';
import { duration } from './duration.ts';
import { percent } from './number.ts';
import { ago } from './time.ts';

beforeEach(() => {
  vi.stubGlobal('navigator', { languages: ['en-GB', 'fr-FR'] });
  overwriteGetLocale(() => 'en');
});

test.each([
  [0, '0B'],
  [1023, '1,023B'],
  [1536, '1.5 kB'],
  [8 * 1024 ** 3, '8 GB'],
  [119.6 * 1024 ** 3, '120 GB'],
])('%d bytes are %s', (size, text) => {
  expect(bytes(size)).toBe(text);
});

test.each([
  [42, '42ms'],
  [1_400, '1.4s'],
  [59_400, '59s'],
  [61_000, '1m 1s'],
  [3_720_000, '1h 2m'],
])('%d ms are %s', (span, text) => {
  expect(duration(span)).toBe(text);
});

test('an age moves from now to a date, and never into the future', () => {
  const now = Date.UTC(2026, 10, 25, 12);
  expect(ago(now + 60_000, now)).toBe('now');
  expect(ago(now - 12_000, now)).toMatch(/^12 ?s(ec)? ago$/);
  expect(ago(now - 3 * 3_600_000, now)).toMatch(/^3 ?hr? ago$/);
  expect(ago(now - 40 * 86_400_000, now)).toBe('16 Oct 2026');
});

test('figures follow the language of the page', () => {
  overwriteGetLocale(() => 'fr');
  expect(percent(4.25)).toMatch(/^4,[23]\s%$/);
  expect(bytes(1536)).toMatch(/^1,5\sko$/);
});
