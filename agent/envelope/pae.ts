/**
 * Encodes pieces so that no two lists give the same bytes: their count, then each piece's length
 * and bytes. Counts and lengths are 8 bytes, little-endian; strings are UTF-8. Follows PASETO's
 * pre-authentication encoding.
 */
export function pae(...pieces: readonly (Uint8Array | string)[]): Uint8Array {
  const parts: Uint8Array[] = [uint64(pieces.length)];
  for (const piece of pieces) {
    const bytes = typeof piece === 'string' ? utf8(piece) : piece;
    parts.push(uint64(bytes.length), bytes);
  }
  return concat(parts);
}

/** Encodes a whole number from 0 to 2^64 - 1 as 8 bytes, little-endian; throws RangeError beyond. */
export function uint64(value: bigint | number): Uint8Array {
  const whole = BigInt(value);
  if (whole < 0n || whole >= 1n << 64n) throw new RangeError('not an unsigned 64-bit number');
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, whole, true);
  return bytes;
}

/** Encodes text as UTF-8; throws RangeError on lone surrogates, which UTF-8 would fold into one. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new RangeError('text with a lone surrogate');
  return new TextEncoder().encode(text);
}

/** Joins byte arrays into a new one. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
