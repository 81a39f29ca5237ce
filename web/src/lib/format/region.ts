import { getLocale } from '#lib/paraglide/runtime.js';

/** The language of the page in the browser's own region, so that a clock reads as its person is used to. */
export function region(): string {
  const language = getLocale();
  return navigator.languages.find((one) => one.startsWith(`${language}-`)) ?? language;
}
