import { Refusal } from './refusal.ts';

/** What a public key is for: signing is Ed25519, sealing is X25519. */
export type KeyPurpose = 'signing' | 'sealing';

const p = 2n ** 255n - 19n;
const belowSign = 2n ** 255n - 1n;

// RFC 8032 and RFC 7748 curves have cofactor 8; these are the coordinates of their 8 torsion points,
// computed afresh by points.test.ts.
const smallOrderY: readonly bigint[] = [
  0n,
  1n,
  p - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
];
const smallOrderU: readonly bigint[] = [
  0n,
  1n,
  p - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];

/**
 * Throws BAD_KEY unless these are 32 bytes that encode a point canonically and the point is not of
 * small order: under such a key a signature of nobody verifies, and a shared secret is known to all.
 */
export function checkPublicKey(bytes: Uint8Array, purpose: KeyPurpose = 'signing'): void {
  if (bytes.length !== 32) throw badKey(`has ${bytes.length} bytes instead of 32`);
  const encoded = littleEndian(bytes);
  // Ed25519 keeps the sign of x in the highest bit; X25519 has no use for it, so it must be clear.
  const coordinate = purpose === 'signing' ? encoded & belowSign : encoded;
  if (coordinate >= p) throw badKey('is not encoded canonically');
  const smallOrder = purpose === 'signing' ? smallOrderY : smallOrderU;
  if (smallOrder.includes(coordinate)) throw badKey('is a point of small order');
}

function badKey(fault: string): Refusal {
  return new Refusal('BAD_KEY', `The public key ${fault}; make a new key pair.`);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  return value;
}
