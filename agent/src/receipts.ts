import { Refusal, sealReceipt } from '@serverflow/agent/envelope';
import type { Signed } from '@serverflow/gen/grpc/serverflow/agent/v1/envelope';
import { OrderOutcome, Receipt } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { Complaint } from './complaint.ts';
import type { ActionResult } from './context.ts';
import type { Identity } from './identity.ts';

/** What an order was, as far as it is known. */
export type Subject = {
  /** Empty where the order could not be read. */
  readonly orderId: string;
  readonly sessionId: Uint8Array;
  /** The SHA-256 digest of its exact bytes. */
  readonly digest: Uint8Array;
};

const OUTCOMES = {
  done: OrderOutcome.ORDER_OUTCOME_DONE,
  failed: OrderOutcome.ORDER_OUTCOME_FAILED,
  refused: OrderOutcome.ORDER_OUTCOME_REFUSED,
  unknown: OrderOutcome.ORDER_OUTCOME_UNKNOWN,
} as const;

/** Signs how an order ended; the message must have passed the redactor. */
export function signReceipt(
  identity: Identity,
  subject: Subject,
  result: ActionResult,
  nowMs: number,
): Signed {
  const { code, message } = result.outcome === 'done' ? { code: '', message: '' } : result;
  const receipt: Receipt = {
    orderId: subject.orderId,
    agentId: identity.agentId,
    sessionId: Buffer.from(subject.sessionId),
    orderDigest: Buffer.from(subject.digest),
    outcome: OUTCOMES[result.outcome],
    code,
    message,
    finishedAtMs: BigInt(nowMs),
  };
  return toMessage(sealReceipt(Receipt.encode(receipt).finish(), identity.signingKey));
}

/** What a thrown thing says in a receipt: refusals speak for themselves, anything else is ours to mend. */
export function refusalOf(error: unknown): ActionResult {
  if (error instanceof Complaint)
    return { outcome: 'refused', code: error.code, message: error.message };
  if (error instanceof Refusal)
    return { outcome: 'refused', code: error.reason, message: error.message };
  const why = error instanceof Error ? error.message : String(error);
  return {
    outcome: 'refused',
    code: 'INTERNAL',
    message: `The agent could not check the order (${why}); look at its log.`,
  };
}

/** The contract's message has Buffers where the envelope has byte arrays. */
function toMessage(signed: ReturnType<typeof sealReceipt>): Signed {
  return {
    payload: Buffer.from(signed.payload),
    payloadType: signed.payloadType,
    signatures: signed.signatures.map(({ keyId, signature }) => ({
      keyId: Buffer.from(keyId),
      signature: Buffer.from(signature),
    })),
  };
}
