import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { redact } from './redact.ts';

const secret = randomBytes(24).toString('base64url');

test.each([
  [`token sfp_${secret} used`, 'token [redacted] used'],
  [`enroll with sf1.${secret}.abc`, 'enroll with [redacted]'],
  [`authorization: Bearer ${secret}`, 'authorization: Bearer [redacted]'],
  ['Authorization: basic dXNlcjpwYXNzd29yZA==', 'Authorization: basic [redacted]'],
  [`postgres://shop:${secret}@db.example.com/shop`, 'postgres://[redacted]@db.example.com/shop'],
  [
    '{"key":"-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n","a":1}',
    '{"key":"[redacted]\\n","a":1}',
  ],
])('%s', (given, expected) => {
  expect(redact([given])).toEqual({ texts: [expected], keyLinesLeft: 0 });
});

test.each([
  'listening on http://127.0.0.1:3000/a@b',
  'the bearer of this letter',
  'at 12:30 user@example.com signed in',
  'https://example.com/path?x=1:2@3',
])('leaves alone: %s', (line) => {
  expect(redact([line]).texts).toEqual([line]);
});

test('a key without an end hides at most so many lines', () => {
  const { texts } = redact([
    'x -----BEGIN PRIVATE KEY-----',
    ...Array.from({ length: 400 }, (_, index) => `line ${index}`),
  ]);
  expect(texts[0]).toBe('x [redacted]');
  expect(texts[256]).toBe('[redacted]');
  expect(texts[257]).toBe('line 256');
});

test('a hostile line of 16 KiB takes less than 50 ms', () => {
  for (const part of ['a://', 'Bearer ', 'sfp_', '-----BEGIN PRIVATE KEY-----', 'x:y@', 'a.a+a-']) {
    const line = part.repeat(16_384 / part.length);
    const started = performance.now();
    redact([line]);
    expect(performance.now() - started).toBeLessThan(50);
  }
});
