import { describe, expect, it } from 'vitest';
import { generateSigningKey } from './keys.ts';
import { fourWords, words } from './words.ts';

describe('fourWords', () => {
  it('has a different short word for each of 256 bytes', () => {
    expect(words).toHaveLength(256);
    expect(new Set(words).size).toBe(256);
    for (const word of words) expect(word).toMatch(/^[a-z]{3,8}$/);
  });

  it('gives the same four words for the same key only', () => {
    const [a, b] = [generateSigningKey().publicKey, generateSigningKey().publicKey];
    expect(fourWords(a)).toMatch(/^([a-z]+ ){3}[a-z]+$/);
    expect(fourWords(a)).toBe(fourWords(Uint8Array.from(a)));
    expect(fourWords(a)).not.toBe(fourWords(b));
  });
});
