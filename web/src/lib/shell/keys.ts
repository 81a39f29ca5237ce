import { places } from './places.ts';

/** What the keyboard can ask of the shell. */
export interface KeyTargets {
  openPalette: () => void;
  openHelp: () => void;
  go: (href: string) => void;
}

/** How long after g the second key counts, in milliseconds. */
const CHORD_MS = 1_200;

/** Listens for the dashboard's keys: Ctrl/Cmd-K, /, ? and g with a place's key; never while somebody types. */
export function keyListener(targets: KeyTargets): (event: KeyboardEvent) => void {
  let chordUntil = 0;
  return (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      targets.openPalette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.timeStamp < chordUntil) {
      chordUntil = 0;
      const place = places.find(({ key }) => key === event.key);
      if (place) targets.go(place.href);
    } else if (event.key === 'g') chordUntil = event.timeStamp + CHORD_MS;
    else if (event.key === '?') targets.openHelp();
    else if (event.key === '/') {
      event.preventDefault();
      const search = document.querySelector<HTMLInputElement>('[data-search]');
      if (search) search.focus();
      else targets.openPalette();
    }
  };
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  );
}
