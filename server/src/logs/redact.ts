/** What stands in place of a secret. */
const mark = '[redacted]';

/** How many lines after the head of a private key are taken for its body at the most: RSA keys of 16384 bits have about 200. */
const keyLines = 256;

const begin = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----/;
const end = /-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----/;

const patterns: readonly (readonly [RegExp, string])[] = [
  // Credentials of ours: tokens, and enrolment tokens of version 1.
  [/\bsfp_[A-Za-z0-9_-]{16,}/g, mark],
  [/\bsf1\.[A-Za-z0-9_.-]{16,}/g, mark],
  // RFC 6750 and RFC 7617.
  [/\b(Bearer|Basic)(\s+)[A-Za-z0-9._~+/=-]{8,}/gi, `$1$2${mark}`],
  // The user information of an address (RFC 3986).
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@:'"]{0,200}:[^\s/@'"]{1,500}@/gi, `$1${mark}@`],
  // A whole private key on one line, such as in JSON.
  [
    /-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[^-]+-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----/g,
    mark,
  ],
];

/** Redacted lines, and how many lines to come would still be a private key's body. */
export type Redacted = { readonly texts: string[]; readonly keyLinesLeft: number };

/**
 * The second redaction, after the agent's, before a log is stored: tokens, bearer and basic credentials, credentials in addresses and
 * private keys, also ones that go over the end of a chunk (`keyLinesLeft` of the chunk before). Lines are replaced, never dropped.
 */
export function redact(texts: readonly string[], keyLinesLeft = 0): Redacted {
  let left = keyLinesLeft;
  const redacted = texts.map((text) => {
    if (left > 0) {
      left = end.test(text) ? 0 : left - 1;
      return mark;
    }
    const clean = patterns.reduce((part, [pattern, by]) => part.replace(pattern, by), text);
    if (!begin.test(clean)) return clean;
    left = keyLines;
    return clean.slice(0, begin.exec(clean)!.index) + mark;
  });
  return { texts: redacted, keyLinesLeft: left };
}
