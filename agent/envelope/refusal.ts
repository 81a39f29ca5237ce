/** Why something from outside was not accepted; stable codes. */
export type RefusalReason =
  | 'TOO_LARGE'
  | 'UNKNOWN_KEY'
  | 'WRONG_ROLE'
  | 'BAD_SIGNATURE'
  | 'WRONG_TYPE'
  | 'WRONG_PIN'
  | 'BAD_KEY'
  | 'MALFORMED'
  | 'NOT_A_TOKEN'
  | 'OTHER_TOKEN_VERSION'
  | 'INCOMPLETE_TOKEN'
  | 'DAMAGED_TOKEN'
  | 'NOT_SEALED_TO_US';

/** What this folder throws on input it does not accept; the message has no secret and says what to do. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** The stable code. */
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Throws MALFORMED unless the bytes have exactly this length. */
export function requireLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length === length) return;
  throw new Refusal(
    'MALFORMED',
    `The ${what} has ${bytes.length} bytes instead of ${length}: it was cut off, or comes from another version.`,
  );
}
