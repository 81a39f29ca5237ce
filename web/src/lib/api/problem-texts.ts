import type { Problem } from './problem.ts';

type Texts = Partial<Record<string, readonly [string, string]>>;

/** What happened and what to do: in the catalogue's language where it has the reason and all its facts, else as the control plane said it. */
export function problemTexts(
  problem: Problem,
  catalogue: Texts,
): { message: string; next: string } {
  const [message, next] = catalogue[problem.reason] ?? [];
  return {
    message: filled(message, problem.metadata) ?? problem.message,
    next: filled(next, problem.metadata) ?? problem.next,
  };
}

function filled(template: string | undefined, facts: Record<string, string>): string | undefined {
  const names = [...(template?.matchAll(/\{(\w+)\}/g) ?? [])].map(([, name]) => name ?? '');
  if (names.some((name) => !facts[name])) return undefined;
  return template?.replace(/\{(\w+)\}/g, (_, name: string) => facts[name] ?? '');
}
