import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { validateHostHeader, validateOriginHeader } from '@modelcontextprotocol/server';
import { AccountService } from '@serverflow/gen/es/serverflow/account/v1/account_service_pb';
import type { Refusal } from './answer.ts';
import type { Grant } from './grant.ts';
import { refusalOfError } from './problem.ts';

/** A request that is not let in: its HTTP status and why. */
export class TurnedAway extends Error {
  override name = 'TurnedAway';
  readonly status: number;
  readonly refusal: Refusal;
  constructor(status: number, refusal: Refusal) {
    super(refusal.message);
    this.status = status;
    this.refusal = refusal;
  }
}

/** Lets a request pass whose Host is one of ours and whose Origin, where a browser sent one, too; else throws TurnedAway. */
export function checkHost(
  host: string | undefined,
  origin: string | undefined,
  ours: readonly string[],
): void {
  const isOurHost = validateHostHeader(host, [...ours]).ok;
  if (isOurHost && validateOriginHeader(origin, [...ours]).ok) return;
  throw new TurnedAway(403, {
    message: isOurHost
      ? 'The request came from a page that is not this dashboard.'
      : 'The request is for a host that this control plane does not answer for.',
    reason: 'BAD_ORIGIN',
    isRetryable: false,
    next: 'Use the address that the dashboard shows under AI clients.',
  });
}

/** The host names that requests may name: loopback, the public address's, and more by setting. */
export function hostNames(publicUrl: string, more: readonly string[]): readonly string[] {
  return ['localhost', '127.0.0.1', '[::1]', new URL(publicUrl).hostname, ...more];
}

/** Reads the token of an authorization header; throws TurnedAway without one. */
export function tokenOf(authorization: string | undefined, onlyOurs: boolean): string {
  const token = /^Bearer +([\x21-\x7e]{1,4096}) *$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) {
    throw new TurnedAway(401, {
      message: 'This address needs a token of an AI client.',
      reason: 'NOT_SIGNED_IN',
      isRetryable: false,
      next: 'Create one in the dashboard under Tokens and send the header authorization: Bearer sfp_….',
    });
  }
  if (!onlyOurs || token.startsWith('sfp_')) return token;
  throw new TurnedAway(401, {
    message: 'This address takes only tokens that begin with sfp_.',
    reason: 'BAD_TOKEN',
    isRetryable: false,
    next: 'Create one in the dashboard under Tokens.',
  });
}

/** Asks the API what its caller's token may do; throws TurnedAway when it is good for nothing here. */
export async function grantOf(api: Transport): Promise<Grant> {
  try {
    const account = createClient(AccountService, api);
    const { permissions, toolsets } = await account.getAccount({}, { timeoutMs: 10_000 });
    return { kind: 'mcp', permissions, toolsets };
  } catch (error) {
    throw new TurnedAway(statusOf(ConnectError.from(error).code), refusalOfError(error));
  }
}

function statusOf(code: Code): number {
  if (code === Code.Unauthenticated) return 401;
  if (code === Code.PermissionDenied) return 403;
  return code === Code.ResourceExhausted ? 429 : 503;
}
