/** The time, as milliseconds since 1970; what shows an age reads it and moves every second. */
export const now = $state({ ms: Date.now() });

setInterval(() => {
  if (!document.hidden) now.ms = Date.now();
}, 1_000);
