import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import {
  enrolmentTranscript,
  generateSealingKey,
  generateSigningKey,
  makeNonce,
  parseEnrolmentToken,
  proveAgent,
  proveEnrolment,
  sealReceipt,
  sessionId,
  sha256,
  transcript,
  type SealingKey,
  type SigningKey,
} from '@serverflow/agent/envelope';
import {
  AgentService,
  ConnectRequestSchema,
  EnrollRequestSchema,
  type Challenge,
  type ConnectRequest,
  type ConnectResponse,
  type EnrollRequest,
  type EnrollResponse,
} from '@serverflow/gen/es/serverflow/agent/v1/agent_service_pb';
import {
  KeySetSchema,
  SignedSchema,
  type Signed,
} from '@serverflow/gen/es/serverflow/agent/v1/envelope_pb';
import {
  OrderOutcome,
  OrderSchema,
  ReceiptSchema,
  type Order,
} from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { ReportSchema, type Report } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { EnrollmentService } from '@serverflow/gen/es/serverflow/server/v1/enrollment_service_pb';
import { Outgoing } from '../fleet/outgoing.ts';
import type { Person } from './plane.ts';

const agentVersion = '0.1.0';

/** Where a control plane answers, and by which address it goes. */
export type Address = { readonly url: string; readonly config: { readonly publicUrl: string } };

/** What an agent keeps after its enrolment. */
export type TestAgent = {
  readonly id: string;
  readonly tenant: string;
  readonly signingKey: SigningKey;
  readonly sealingKey: SealingKey;
};

/** An order as it came: its envelope and what is in it. */
export type Came = { readonly signed: Signed; readonly order: Order };

/** What a test turns in an agent's handshake. */
export type Turn = {
  host?: string;
  /** What it proves instead of its own proof. */
  proof?: Uint8Array;
  /** Whether it answers pings; one that does not looks half-open. */
  answersPings?: boolean;
  /** Whether it gives no sign of life but what the test says. */
  isSilent?: boolean;
};

/** An open session of a small agent that speaks the contract over HTTP/2 in clear and obeys nothing but the test. */
export type AgentSession = {
  readonly sessionId: Uint8Array;
  /** The number that the control plane said it keeps when it let the agent in. */
  readonly acknowledged: number;
  readonly proof: Uint8Array;
  /** Orders but pings, as they came. */
  readonly orders: Came[];
  /** The last number acknowledged in this session. */
  readonly lastAck: () => number;
  readonly report: (number: number, body: Report['body']) => void;
  readonly receipt: (came: Came, more?: Partial<Receipted>) => Report['body'];
  /** Ends the connection at once. */
  readonly cut: () => void;
  /** Resolves when the stream ends, with its error where it has one. */
  readonly ended: Promise<unknown>;
};

type Receipted = {
  outcome: OrderOutcome;
  code: string;
  message: string;
  digest: Uint8Array;
  key: SigningKey;
  orderId: string;
};

/** Makes an enrolment and enrols a new agent with it. */
export async function addAgent(plane: Address, person: Person, server = 'box'): Promise<TestAgent> {
  const { token } = await person.client(EnrollmentService).createEnrollment({ server });
  return enroll(plane, token);
}

/** Enrols an agent by the ceremony; throws the control plane's refusal. */
export async function enroll(
  plane: Address,
  tokenText: string,
  keys: { signingKey?: SigningKey; sealingKey?: SealingKey; host?: string } = {},
): Promise<TestAgent> {
  const token = parseEnrolmentToken(tokenText);
  const { signingKey = generateSigningKey(), sealingKey = generateSealingKey() } = keys;
  const requests = new Outgoing<EnrollRequest>();
  const say = (message: EnrollRequest['message']) =>
    requests.push(create(EnrollRequestSchema, { message }));
  const answers = clientOf(plane).enroll(requests)[Symbol.asyncIterator]();
  const agentNonce = makeNonce();
  say({
    case: 'hello',
    value: {
      $typeName: 'serverflow.agent.v1.EnrollHello',
      slot: token.slot,
      agentNonce,
      agentVersion,
    },
  });
  try {
    const challenge = await answer<EnrollResponse, Challenge>(answers, 'challenge');
    const signed = enrolmentTranscript({
      host: keys.host ?? hostOf(plane),
      tenant: challenge.tenantId,
      slot: token.slot,
      agentNonce,
      controlNonce: challenge.controlNonce,
      controlKeyId: challenge.keyId,
      agentVersion,
      keySetVersion: versionOf(challenge),
      controlTimeMs: challenge.timeMs,
    });
    const proof = proveEnrolment(signed, token.key, signingKey, sealingKey.publicKey);
    say({ case: 'proof', value: { $typeName: 'serverflow.agent.v1.EnrollProof', ...proof } });
    await answer(answers, 'done');
    return { id: token.slot, tenant: challenge.tenantId, signingKey, sealingKey };
  } finally {
    requests.end();
  }
}

/** Connects an enrolled agent; throws the control plane's refusal. */
export async function connectAgent(
  plane: Address,
  agent: TestAgent,
  turn: Turn = {},
): Promise<AgentSession> {
  const stop = new AbortController();
  const requests = new Outgoing<ConnectRequest>();
  const say = (message: ConnectRequest['message']) =>
    requests.push(create(ConnectRequestSchema, { message }));
  const stream = clientOf(plane).connect(requests, { signal: stop.signal });
  const answers = stream[Symbol.asyncIterator]();
  const agentNonce = makeNonce();
  const { publicKey } = agent.signingKey;
  say({
    case: 'hello',
    value: {
      $typeName: 'serverflow.agent.v1.ConnectHello',
      agentId: agent.id,
      publicKey,
      agentNonce,
      agentVersion,
      keySetVersion: 1,
    },
  });
  const challenge = await answer<ConnectResponse, Challenge>(answers, 'challenge');
  const signed = transcript({
    host: turn.host ?? hostOf(plane),
    tenant: challenge.tenantId,
    slot: agent.id,
    agentPublicKey: publicKey,
    controlKeyId: challenge.keyId,
    agentNonce,
    controlNonce: challenge.controlNonce,
    agentVersion,
    keySetVersion: versionOf(challenge),
    controlTimeMs: challenge.timeMs,
  });
  const proof = turn.proof ?? proveAgent(signed, agent.signingKey);
  say({ case: 'proof', value: proof });
  const authorized = await answer<ConnectResponse, { acknowledged: bigint }>(answers, 'authorized');
  const orders: Came[] = [];
  let acknowledged = Number(authorized.acknowledged);
  const first = acknowledged;
  const id = sessionId(signed);
  let lastReport = acknowledged;

  const report = (number: number, body: Report['body']) => {
    lastReport = number;
    say({ case: 'report', value: create(ReportSchema, { sequence: BigInt(number), body }) });
  };
  const receipt = (came: Came, more: Partial<Receipted> = {}): Report['body'] => {
    const payload = toBinary(
      ReceiptSchema,
      create(ReceiptSchema, {
        orderId: more.orderId ?? came.order.orderId,
        agentId: agent.id,
        sessionId: id,
        orderDigest: more.digest ?? sha256(came.signed.payload),
        outcome: more.outcome ?? OrderOutcome.DONE,
        code: more.code ?? '',
        message: more.message ?? '',
        finishedAtMs: BigInt(Date.now()),
      }),
    );
    const sealed = sealReceipt(payload, more.key ?? agent.signingKey);
    const signatures = sealed.signatures.map((one) => ({
      $typeName: 'serverflow.agent.v1.Signature' as const,
      ...one,
    }));
    return { case: 'receipt', value: create(SignedSchema, { ...sealed, signatures }) };
  };
  const beat = () =>
    say({
      case: 'heartbeat',
      value: { $typeName: 'serverflow.agent.v1.Heartbeat', timeMs: BigInt(Date.now()) },
    });
  const beating = turn.isSilent ? undefined : setInterval(beat, 200);
  const hear = async () => {
    for (;;) {
      const { done, value } = await answers.next();
      if (done) return undefined;
      if (value.message.case === 'acknowledged') acknowledged = Number(value.message.value);
      if (value.message.case !== 'order') continue;
      const came = {
        signed: value.message.value,
        order: fromBinary(OrderSchema, value.message.value.payload),
      };
      if (came.order.action.case !== 'ping') orders.push(came);
      else if (turn.answersPings !== false) report(lastReport + 1, receipt(came));
    }
  };
  return {
    sessionId: id,
    acknowledged: first,
    proof,
    orders,
    lastAck: () => acknowledged,
    report,
    receipt,
    cut: () => stop.abort(),
    ended: hear()
      .catch((thrown: unknown) => thrown)
      .finally(() => clearInterval(beating)),
  };
}

function clientOf(plane: Address) {
  return createClient(AgentService, createGrpcTransport({ baseUrl: plane.url }));
}

/** The host that the control plane goes by, which both sides sign; the port of a test is another. */
function hostOf(plane: Address): string {
  return new URL(plane.config.publicUrl).host;
}

function versionOf(challenge: Challenge): number {
  const payload = challenge.keySet?.keySet?.payload;
  if (!payload) throw new Error('The challenge has no key set.');
  return fromBinary(KeySetSchema, payload).version;
}

async function answer<R extends { message: { case: string | undefined; value?: unknown } }, V>(
  answers: AsyncIterator<R>,
  kind: string,
): Promise<V> {
  const { done, value } = await answers.next();
  if (done || (value as R).message.case !== kind) throw new Error(`The answer is no ${kind}.`);
  return (value as R).message.value as V;
}
