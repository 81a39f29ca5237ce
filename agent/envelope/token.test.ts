import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateSigningKey } from './keys.ts';
import { Refusal } from './refusal.ts';
import { makeEnrolmentToken, parseEnrolmentToken } from './token.ts';

const pin = generateSigningKey().publicKey;
const { token, publicKey } = makeEnrolmentToken('0198c7a2-server', pin);
const [, , pinText, secretText] = token.split('.') as [string, string, string, string];

describe('an enrolment token', () => {
  it('comes back as what it was made from', () => {
    const parsed = parseEnrolmentToken(` ${token}\n`);
    expect(parsed.slot).toBe('0198c7a2-server');
    expect(parsed.pin).toEqual(pin);
    expect(parsed.key.publicKey).toEqual(publicKey);
  });

  it('is new each time', () => {
    expect(makeEnrolmentToken('a', pin).token).not.toBe(makeEnrolmentToken('a', pin).token);
  });

  it.each([
    ['nothing', '', 'NOT_A_TOKEN'],
    ['an API token', 'sfp_abcdef', 'NOT_A_TOKEN'],
    ['an address', 'https://flow.example.com/enroll', 'NOT_A_TOKEN'],
    ['a later version', token.replace('sf1', 'sf2'), 'OTHER_TOKEN_VERSION'],
    ['its beginning', token.slice(0, 30), 'INCOMPLETE_TOKEN'],
    ['all but its last character', token.slice(0, -1), 'INCOMPLETE_TOKEN'],
    ['a doubled end', `${token}.x`, 'DAMAGED_TOKEN'],
    ['a longer secret', `${token}A`, 'DAMAGED_TOKEN'],
    ['plain base64', `sf1.a.${'+'.repeat(43)}.${secretText}`, 'DAMAGED_TOKEN'],
    ['a short pin', `sf1.a.${pinText.slice(1)}.${secretText}`, 'DAMAGED_TOKEN'],
    ['a slot that leaves its place', `sf1.a/b.${pinText}.${secretText}`, 'DAMAGED_TOKEN'],
    ['no slot', `sf1..${pinText}.${secretText}`, 'DAMAGED_TOKEN'],
    ['a line break inside', `sf1.a.${pinText}.\n${secretText}`, 'DAMAGED_TOKEN'],
    ['spare bits set', `sf1.a.${'A'.repeat(42)}B.${secretText}`, 'DAMAGED_TOKEN'],
  ])('is refused when it is %s', (_, text, expected) => {
    expect(() => parseEnrolmentToken(text)).toThrow(expect.objectContaining({ reason: expected }));
  });

  it('is refused without being repeated in the message', () => {
    const pieces = [pinText, secretText];
    for (const text of [`${token}A`, token.slice(0, -1), token.replace('sf1', 'sf2')]) {
      const { message } = refusal(text);
      for (const piece of pieces) expect(message).not.toContain(piece.slice(0, 8));
    }
  });

  it('is parsed or refused, never a crash, whatever the text', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constant(pinText),
      fc.base64String(),
      fc.constant('sf1'),
    );
    const position = fc.nat(token.length - 1);
    const text = fc.oneof(
      fc.tuple(position, fc.string({ maxLength: 1 })).map(([at, other]) => {
        return token.slice(0, at) + other + token.slice(at + 1);
      }),
      fc.uint16Array({ maxLength: 100 }).map((units) => String.fromCharCode(...units)),
      fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('.')),
    );
    fc.assert(
      fc.property(text, (given) => {
        expect(readAgain(given)).toBe(given.trim());
      }),
      { numRuns: 500 },
    );
  });

  it.each(['', 'a b', 'a.b', '../x', 'x'.repeat(65)])('is not made for the slot "%s"', (slot) => {
    expect(() => makeEnrolmentToken(slot, pin)).toThrow(Refusal);
  });

  it('is not made with a pin that is no digest', () => {
    expect(() => makeEnrolmentToken('a', new Uint8Array(31))).toThrow('instead of 32');
  });
});

function refusal(text: string): Refusal {
  try {
    parseEnrolmentToken(text);
  } catch (error) {
    if (error instanceof Refusal) return error;
  }
  throw new Error('not refused');
}

/** The token written again from what was read, or the text itself where it was refused. */
function readAgain(text: string): string {
  try {
    const { slot, pin: parsed, key } = parseEnrolmentToken(text);
    return ['sf1', slot, base64url(parsed), base64url(key.exportSeed())].join('.');
  } catch (error) {
    if (error instanceof Refusal) return text.trim();
    throw error;
  }
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
