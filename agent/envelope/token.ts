import { randomBytes } from 'node:crypto';
import { signingKeyFromSeed, type SigningKey } from './keys.ts';
import { Refusal, requireLength } from './refusal.ts';

/** What an enrolment token says. */
export type EnrolmentToken = {
  /** The id of the server it is for. */
  readonly slot: string;
  /** The digest of the control plane's root keys, 32 bytes. */
  readonly pin: Uint8Array;
  /** The token's own key; the control plane keeps only its public half. */
  readonly key: SigningKey;
};

const slotPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** Makes a token for one server, and the public key by which the control plane knows it again. */
export function makeEnrolmentToken(
  slot: string,
  pin: Uint8Array,
): { token: string; publicKey: Uint8Array } {
  requireLength('pin', pin, 32);
  if (!slotPattern.test(slot)) {
    throw new Refusal(
      'MALFORMED',
      'The slot is not 1 to 64 letters, digits, dashes or underscores.',
    );
  }
  const seed = randomBytes(32);
  const token = ['sf1', slot, base64url(pin), base64url(seed)].join('.');
  return { token, publicKey: signingKeyFromSeed(seed).publicKey };
}

/**
 * Reads a token; white space around it is ignored. Throws a Refusal that says what is wrong with it
 * (NOT_A_TOKEN, OTHER_TOKEN_VERSION, INCOMPLETE_TOKEN, DAMAGED_TOKEN) and never repeats it.
 */
export function parseEnrolmentToken(text: string): EnrolmentToken {
  const pieces = text.trim().split('.');
  const [version = '', slot = '', pin = '', secret = ''] = pieces;
  if (!/^sf[0-9]+$/.test(version)) {
    throw new Refusal('NOT_A_TOKEN', 'This is not an enrolment token; one begins with "sf1.".');
  }
  if (version !== 'sf1') {
    throw new Refusal(
      'OTHER_TOKEN_VERSION',
      `This token is of version ${version.slice(0, 8)}, and this agent reads sf1; install the agent that came with the token.`,
    );
  }
  if (pieces.length < 4 || secret.length < 43) {
    throw new Refusal('INCOMPLETE_TOKEN', 'The token is cut off; copy it again, to its end.');
  }
  if (pieces.length > 4 || !slotPattern.test(slot)) throw damaged();
  return { slot, pin: bytes32(pin), key: signingKeyFromSeed(bytes32(secret)) };
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

// Node skips characters it does not know and ignores spare bits: only what encodes back is accepted.
function bytes32(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== 32 || bytes.toString('base64url') !== text) throw damaged();
  return new Uint8Array(bytes);
}

function damaged(): Refusal {
  return new Refusal(
    'DAMAGED_TOKEN',
    'The token has characters that do not belong in it; copy it again as one line.',
  );
}
