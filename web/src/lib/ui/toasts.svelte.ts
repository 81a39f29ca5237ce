/** What is being said at the moment; only successes, because a problem stays where it happened. */
export const toasts = $state<{ id: number; text: string }[]>([]);

const SHOWN_MS = 4_000;
let last = 0;

/** Says for four seconds that something was done. */
export function toast(text: string): void {
  const id = ++last;
  toasts.push({ id, text });
  setTimeout(() => {
    const at = toasts.findIndex((one) => one.id === id);
    if (at >= 0) toasts.splice(at, 1);
  }, SHOWN_MS);
}
