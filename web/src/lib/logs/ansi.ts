import Anser from 'anser';

/** A piece of a line in one look; the classes are from a closed list, never from the log. */
export interface Piece {
  text: string;
  classes: string;
}

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const DECORATIONS = ['bold', 'dim', 'italic', 'underline', 'strikethrough'];

/** Turns a line with colour sequences into pieces of plain text; unknown sequences are dropped. */
export function pieces(line: string): Piece[] {
  if (!line.includes('\u001b')) return [{ text: printable(line), classes: '' }];
  return Anser.ansiToJson(line, { json: true, use_classes: true, remove_empty: true }).map(
    (entry) => ({
      text: printable(entry.content),
      classes: [
        colour(entry.fg, 'fg'),
        colour(entry.bg, 'bg'),
        ...entry.decorations
          .filter((name) => DECORATIONS.includes(name))
          .map((name) => `ansi-${name}`),
      ]
        .filter(Boolean)
        .join(' '),
    }),
  );
}

/** A line without its colour sequences and other control characters, for searching and saving. */
export function plain(line: string): string {
  return line.includes('\u001b') ? printable(Anser.ansiToText(line)) : printable(line);
}

// anser names a colour ansi-red or ansi-bright-red; true colours stay uncoloured, for the sake of contrast.
function colour(name: string | null, kind: 'fg' | 'bg'): string {
  const match = /^ansi-(?:bright-)?(\w+)$/.exec(name ?? '');
  return match?.[1] && COLOURS.includes(match[1]) ? `ansi-${kind}-${match[1]}` : '';
}

function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\u001b\[?[0-9;?]*[ -/]*[@-~]?|[\u0000-\u0008\u000b-\u001f\u007f]/g, '');
}
