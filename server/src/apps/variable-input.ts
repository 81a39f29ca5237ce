import { randomBytes } from 'node:crypto';
import type { VariableInput } from '@serverflow/gen/es/serverflow/app/v1/variable_service_pb';
import { problem, Reason } from '../guard/problems.ts';

/** A variable as it was asked for: a text to seal, which is secret or not, or bytes that the caller sealed itself. */
export type Wanted = { readonly name: string } & (
  | { readonly kind: 'text'; readonly text: string; readonly secret: boolean }
  | { readonly kind: 'sealed'; readonly sealed: Uint8Array }
);

/** Names that ServerFlow sets itself, or that would change which program runs. The agent sets or drops them too. */
const reserved: ReadonlySet<string> = new Set(['PORT', 'HOST', 'PATH', 'NODE_OPTIONS']);
const reservedPrefixes = ['LD_', 'DYLD_', 'SERVERFLOW_'];

/** What HPKE adds to a value: the encapsulated key and the tag (RFC 9180, X25519 and AES-256-GCM), in bytes. */
const sealedOverhead = 48;

/**
 * Reads the variables of a request. Each has exactly one of value, plain, sealed and generate; an AI client may only let one be
 * generated or set one that is no secret, so that no secret passes through a model. Throws BAD_VARIABLE.
 */
export function readVariables(inputs: readonly VariableInput[], fromClient: boolean): Wanted[] {
  const names = new Set<string>();
  return inputs.map((input) => {
    const refuse = (why: string): never => {
      throw problem(Reason.BAD_VARIABLE, { name: input.name, why });
    };
    if (names.has(input.name)) refuse('it is given twice');
    names.add(input.name);
    checkName(input.name, refuse);
    return readInput(input, fromClient, refuse);
  });
}

function checkName(name: string, refuse: (why: string) => never): void {
  if (reserved.has(name) || reservedPrefixes.some((prefix) => name.startsWith(prefix)))
    refuse('the name is reserved');
}

function readInput(
  input: VariableInput,
  fromClient: boolean,
  refuse: (why: string) => never,
): Wanted {
  const { name, value, plain, sealed, generate } = input;
  const given = [value !== '', plain !== '', sealed !== '', generate].filter(Boolean).length;
  if (given !== 1) refuse('exactly one of value, plain, sealed and generate is to be given');
  if (fromClient && (value || sealed))
    refuse('an AI client may only generate a secret, or set a value that is no secret with plain');
  if (value.includes('\0') || plain.includes('\0')) refuse('a value cannot hold a zero byte');
  if (sealed) return { name, kind: 'sealed', sealed: readSealed(sealed, refuse) };
  if (generate) {
    const text = randomBytes(32).toString('base64url');
    return { name, kind: 'text', text, secret: true };
  }
  return { name, kind: 'text', text: value || plain, secret: value !== '' };
}

function readSealed(sealed: string, refuse: (why: string) => never): Uint8Array {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.toString('base64') !== sealed) refuse('its sealed value is not base64');
  if (bytes.length < sealedOverhead) refuse('its sealed value is too short to be one');
  return bytes;
}
