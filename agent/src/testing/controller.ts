import { Server, ServerCredentials, status, type ServerDuplexStream } from '@grpc/grpc-js';
import {
  checkAgent,
  checkEnrolment,
  enrolmentTranscript,
  generateSigningKey,
  makeEnrolmentToken,
  makeNonce,
  openReceipt,
  proveControlPlane,
  proveEnrolmentControlPlane,
  rootPin,
  sealKeySet,
  sessionId,
  transcript,
} from '@serverflow/agent/envelope';
import {
  AgentServiceService,
  type Challenge,
  type ConnectRequest,
  type ConnectResponse,
  type EnrollRequest,
  type EnrollResponse,
} from '@serverflow/gen/grpc/serverflow/agent/v1/agent_service';
import {
  KeyRole,
  KeySet,
  type Signed,
  type SignedKeySet,
} from '@serverflow/gen/grpc/serverflow/agent/v1/envelope';
import { Receipt } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import type { Report } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import { keySetMessage } from './messages.ts';
import { until } from './until.ts';

export const TENANT = 'org_test';

/** A session as the control plane sees it. */
export type ControllerSession = {
  readonly id: Uint8Array;
  readonly agentId: string;
  readonly send: (order: Signed) => void;
  /** The place of the next order. */
  next: number;
  readonly isOpen: () => boolean;
};

/** What a test turns: how the control plane misbehaves. */
export type Misbehaviour = {
  /** The host that it signs instead of its own. */
  host?: string;
  /** The time that it signs and counts from, as an offset to this machine's. */
  clockOffsetMs: number;
  /** Whether it acknowledges what it takes. */
  acknowledges: boolean;
  /** Whether it answers with heartbeats. */
  isSilent: boolean;
  keyLifeMs: number;
};

/** A small control plane with real keys: it enrols, shakes hands, sends any bytes as an order and collects reports. */
export class Controller {
  readonly root = generateSigningKey();
  readonly orderKey = generateSigningKey();
  readonly behaviour: Misbehaviour = {
    clockOffsetMs: 0,
    acknowledges: true,
    isSilent: false,
    keyLifeMs: 3_600_000,
  };
  /** Every report as it came, doubles included. */
  readonly received: Report[] = [];
  /** Every report once, by number. */
  readonly reports = new Map<number, Report>();
  /** Each receipt once, verified against its agent's key. */
  readonly receipts: Receipt[] = [];
  readonly sessions: ControllerSession[] = [];
  readonly agents = new Map<string, Uint8Array>();
  /** The proofs of enrolment that came, good or bad. */
  readonly enrolmentProofs: number[] = [];
  keySetVersion = 1;
  acknowledged = 0;
  port = 0;
  readonly #tokens = new Map<string, Uint8Array>();
  readonly #server = new Server();

  /** Starts on a free loopback port. */
  async start(): Promise<this> {
    this.#server.addService(AgentServiceService, {
      enroll: (call: ServerDuplexStream<EnrollRequest, EnrollResponse>) =>
        void guard(call, this.#enroll(call)),
      connect: (call: ServerDuplexStream<ConnectRequest, ConnectResponse>) =>
        void guard(call, this.#connect(call)),
    });
    this.port = await new Promise<number>((done, fail) => {
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? fail(error) : done(port),
      );
    });
    return this;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}`);
  }

  get pin(): Uint8Array {
    return rootPin([this.root.publicKey]);
  }

  /** Makes a token for a server slot. */
  token(slot: string, pin: Uint8Array = this.pin): string {
    const { token, publicKey } = makeEnrolmentToken(slot, pin);
    this.#tokens.set(slot, publicKey);
    return token;
  }

  keySet(): SignedKeySet {
    const now = Date.now() + this.behaviour.clockOffsetMs;
    const set = KeySet.encode({
      version: this.keySetVersion,
      issuedAtMs: BigInt(now),
      expiresAtMs: BigInt(now + this.behaviour.keyLifeMs),
      keys: [
        {
          publicKey: Buffer.from(this.orderKey.publicKey),
          roles: [KeyRole.KEY_ROLE_AUTH, KeyRole.KEY_ROLE_ORDER],
        },
      ],
    }).finish();
    return keySetMessage(sealKeySet(set, [this.root]));
  }

  /** Waits for the session that is open now. */
  async session(): Promise<ControllerSession> {
    return until(() => this.sessions.find((session) => session.isOpen()), 'a session');
  }

  async #enroll(call: ServerDuplexStream<EnrollRequest, EnrollResponse>): Promise<void> {
    const incoming = call[Symbol.asyncIterator]() as AsyncIterator<EnrollRequest, undefined>;
    const hello = (await incoming.next()).value?.message;
    if (hello?.$case !== 'hello') throw new Error('no hello');
    const challenge = this.#challenge();
    const signed = enrolmentTranscript({
      host: this.#host,
      tenant: TENANT,
      slot: hello.value.slot,
      agentNonce: hello.value.agentNonce,
      controlNonce: challenge.controlNonce,
      controlKeyId: challenge.keyId,
      agentVersion: hello.value.agentVersion,
      keySetVersion: this.keySetVersion,
      controlTimeMs: challenge.timeMs,
    });
    challenge.signature = Buffer.from(proveEnrolmentControlPlane(signed, this.orderKey));
    call.write({ message: { $case: 'challenge', value: challenge } });
    const proof = (await incoming.next()).value?.message;
    if (proof?.$case !== 'proof') throw new Error('no proof');
    this.enrolmentProofs.push(Date.now());
    const tokenKey = this.#tokens.get(hello.value.slot);
    if (tokenKey === undefined) throw new Error('no such token');
    checkEnrolment(signed, tokenKey, proof.value);
    this.#tokens.delete(hello.value.slot);
    this.agents.set(hello.value.slot, proof.value.publicKey);
    const done = { agentId: hello.value.slot, serverName: 'test-server' };
    call.write({ message: { $case: 'done', value: done } });
  }

  async #connect(call: ServerDuplexStream<ConnectRequest, ConnectResponse>): Promise<void> {
    const incoming = call[Symbol.asyncIterator]() as AsyncIterator<ConnectRequest, undefined>;
    const hello = (await incoming.next()).value?.message;
    if (hello?.$case !== 'hello') throw new Error('no hello');
    const challenge = this.#challenge();
    const { agentId, publicKey, agentNonce, agentVersion } = hello.value;
    const signed = transcript({
      host: this.#host,
      tenant: TENANT,
      slot: agentId,
      agentPublicKey: publicKey,
      controlKeyId: challenge.keyId,
      agentNonce,
      controlNonce: challenge.controlNonce,
      agentVersion,
      keySetVersion: this.keySetVersion,
      controlTimeMs: challenge.timeMs,
    });
    challenge.signature = Buffer.from(proveControlPlane(signed, this.orderKey));
    call.write({ message: { $case: 'challenge', value: challenge } });
    const proof = (await incoming.next()).value?.message;
    const known = this.agents.get(agentId);
    if (
      proof?.$case !== 'proof' ||
      known === undefined ||
      !checkAgent(signed, known, proof.value)
    ) {
      throw new Error('not authenticated');
    }
    const id = sessionId(signed);
    const authorized = { sessionId: Buffer.from(id), acknowledged: BigInt(this.acknowledged) };
    call.write({ message: { $case: 'authorized', value: authorized } });
    await this.#serve(call, incoming, { id, agentId });
  }

  async #serve(
    call: ServerDuplexStream<ConnectRequest, ConnectResponse>,
    incoming: AsyncIterator<ConnectRequest, undefined>,
    { id, agentId }: { id: Uint8Array; agentId: string },
  ): Promise<void> {
    let isOpen = true;
    call.on('cancelled', () => (isOpen = false));
    const send = (order: Signed): void =>
      void call.write({ message: { $case: 'order', value: order } });
    this.sessions.push({ id, agentId, send, next: 1, isOpen: () => isOpen });
    try {
      for (;;) {
        const { done, value } = await incoming.next();
        if (done) return;
        if (value.message?.$case === 'heartbeat' && !this.behaviour.isSilent) {
          const timeMs = BigInt(Date.now() + this.behaviour.clockOffsetMs);
          call.write({ message: { $case: 'heartbeat', value: { timeMs } } });
        }
        if (value.message?.$case === 'report') this.#keep(call, agentId, value.message.value);
      }
    } finally {
      isOpen = false;
    }
  }

  #keep(
    call: ServerDuplexStream<ConnectRequest, ConnectResponse>,
    agentId: string,
    report: Report,
  ): void {
    this.received.push(report);
    const sequence = Number(report.sequence);
    if (!this.reports.has(sequence)) this.#keepNew(agentId, sequence, report);
    while (this.reports.has(this.acknowledged + 1)) this.acknowledged++;
    if (!this.behaviour.acknowledges) return;
    call.write({ message: { $case: 'acknowledged', value: BigInt(this.acknowledged) } });
  }

  #keepNew(agentId: string, sequence: number, report: Report): void {
    this.reports.set(sequence, report);
    const key = this.agents.get(agentId);
    if (report.body?.$case !== 'receipt' || key === undefined) return;
    this.receipts.push(Receipt.decode(openReceipt(report.body.value, key)));
  }

  get #host(): string {
    return this.behaviour.host ?? this.url.host;
  }

  #challenge(): Challenge {
    return {
      keySet: this.keySet(),
      keyId: Buffer.from(this.orderKey.keyId),
      controlNonce: Buffer.from(makeNonce()),
      timeMs: BigInt(Date.now() + this.behaviour.clockOffsetMs),
      tenantId: TENANT,
      signature: Buffer.alloc(0),
    };
  }
}

/** Says no more than that it failed, as the control plane does. */
async function guard<Request, Response>(
  call: ServerDuplexStream<Request, Response>,
  conversation: Promise<void>,
): Promise<void> {
  try {
    await conversation;
    call.end();
  } catch {
    call.emit('error', { code: status.UNAUTHENTICATED, details: 'not accepted' });
  }
}
