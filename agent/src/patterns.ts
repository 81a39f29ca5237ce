const KEY_BLOCK =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g;
const OPEN_KEY_BLOCK =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?![\s\S]*-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)/;

/** Each with bounded repetition, so that no text makes one slow. */
const TOKENS: readonly [RegExp, string][] = [
  [KEY_BLOCK, '[redacted]'],
  [/\bsfp_[A-Za-z0-9_-]{16,200}/g, '[redacted]'],
  [/\bsf1\.[A-Za-z0-9_-]{1,100}\.[A-Za-z0-9_-]{20,100}\.[A-Za-z0-9_-]{20,100}/g, '[redacted]'],
  [/\b(Bearer|Basic) {1,4}[A-Za-z0-9._~+/-]{8,8000}={0,2}/gi, '$1 [redacted]'],
  [/(?<=:\/\/)[^\s/@:]{0,256}:[^\s/@]{1,256}@/g, '[redacted]@'],
];

/** Replaces what looks like a credential: our own tokens, bearer headers, private key blocks, passwords in addresses. */
export function redactPatterns(text: string): string {
  return TOKENS.reduce((left, [pattern, replacement]) => left.replace(pattern, replacement), text);
}

/** Whether a private key block begins in the text and has not ended. */
export function hasOpenKeyBlock(text: string): boolean {
  return text.includes('-----BEGIN ') && OPEN_KEY_BLOCK.test(text);
}
