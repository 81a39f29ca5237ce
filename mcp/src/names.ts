import type { DescEnum, DescField, DescMethod } from '@bufbuild/protobuf';

/** The name of a method's tool: its own name in snake case, such as create_deployment. */
export function toolName(method: DescMethod): string {
  return method.name.replace(/(?<=[a-z0-9])[A-Z]/g, (capital) => `_${capital}`).toLowerCase();
}

/** The short name of an enum value: lower case, without the enum's prefix, such as restart; the zero value is "". */
export function shortEnum(desc: DescEnum, name: string): string {
  const value = desc.values.find((one) => one.name === name);
  if (value?.number === 0) return '';
  const prefix = desc.sharedPrefix ?? '';
  return name.toLowerCase().startsWith(prefix) ? name.slice(prefix.length).toLowerCase() : name;
}

/** The full name of the enum value with this short name, or undefined. */
export function longEnum(desc: DescEnum, short: string): string | undefined {
  return desc.values.find((one) => one.number !== 0 && shortEnum(desc, one.name) === short)?.name;
}

/** Whether a field holds a secret, which no AI client may see or give. */
export function isSecret(field: DescField): boolean {
  return field.proto.options?.debugRedact === true;
}

/** The candidates that differ least from a name, nearest first: at most three, at most half of it changed. */
export function nearest(name: string, candidates: readonly string[]): string[] {
  return candidates
    .map((candidate) => ({ candidate, distance: distanceOf(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(candidate.length, name.length) / 2)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's distance; names longer than 64 characters are compared by their beginning. */
function distanceOf(left: string, right: string): number {
  const a = left.slice(0, 64).toLowerCase();
  const b = right.slice(0, 64).toLowerCase();
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
