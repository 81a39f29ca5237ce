/** A name and a value as a .env file gives them. */
export interface Pair {
  name: string;
  value: string;
}

/** Reads the lines of a .env file: comments and empty lines are left out, quotes are taken off. */
export function dotenv(text: string): Pair[] {
  const pairs: Pair[] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (!match?.[1]) continue;
    pairs.push({ name: match[1], value: unquoted(match[2] ?? '') });
  }
  return pairs;
}

function unquoted(value: string): string {
  const quoted = /^(["'`])(.*)\1$/.exec(value);
  if (!quoted) return value.replace(/\s+#.*$/, '');
  const inner = quoted[2] ?? '';
  return quoted[1] === '"' ? inner.replaceAll('\\n', '\n').replaceAll('\\"', '"') : inner;
}
