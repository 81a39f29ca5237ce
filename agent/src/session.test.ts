import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  generateSealingKey,
  generateSigningKey,
  keyId,
  makeNonce,
} from '@serverflow/agent/envelope';
import { OrderOutcome } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { answerChallenge, sessionClock } from './session.ts';
import { Bench } from './testing/bench.ts';
import { PING, STOP } from './testing/orders.ts';
import { until } from './testing/until.ts';

let bench: Bench;
beforeEach(async () => (bench = await Bench.open()));
afterEach(() => bench.close());

const receiptOf = (orderId: string) =>
  until(() => bench.controller.receipts.find((each) => each.orderId === orderId), 'the receipt');

test('orders are held against the signed time, whatever the wall clock of this machine says', async () => {
  bench.controller.behaviour.clockOffsetMs = -7_200_000;
  bench.start();
  await bench.controller.session();
  const theirs = BigInt(Date.now() - 7_200_000);
  const inTime = await bench.order(STOP, { issuedAtMs: theirs, expiresAtMs: theirs + 60_000n });
  expect((await receiptOf(inTime.orderId)).outcome).toBe(OrderOutcome.ORDER_OUTCOME_DONE);
  const byWallClock = await bench.order(STOP);
  expect((await receiptOf(byWallClock.orderId)).code).toBe('NOT_YET_VALID');
  const late = await bench.order(STOP, { issuedAtMs: theirs - 60_000n, expiresAtMs: theirs - 1n });
  expect((await receiptOf(late.orderId)).code).toBe('EXPIRED');
});

test('the session clock never falls behind the control plane that signed the time', async () => {
  const sentAtMs = performance.now();
  const now = sessionClock(1_000_000, sentAtMs);
  await until(() => performance.now() - sentAtMs > 30, 'some time');
  expect(now()).toBeGreaterThanOrEqual(1_000_030);
});

test('past the end of the key set orders are refused, and the session goes on', async () => {
  bench.controller.behaviour.keyLifeMs = 0;
  bench.controller.keySetVersion++;
  bench.start();
  const { orderId } = await bench.order(STOP);
  expect((await receiptOf(orderId)).code).toBe('KEY_SET_EXPIRED');
  bench.controller.behaviour.keyLifeMs = 3_600_000;
  bench.controller.keySetVersion++;
  bench.relay.cut();
  await until(() => bench.controller.sessions.length === 2, 'the next session');
  const next = await bench.order(PING);
  expect((await receiptOf(next.orderId)).outcome).toBe(OrderOutcome.ORDER_OUTCOME_DONE);
});

test('a key of small order proves nothing', () => {
  const publicKey = new Uint8Array(32);
  publicKey[0] = 1;
  const identity = {
    signingKey: generateSigningKey(),
    sealingKey: generateSealingKey(),
    agentId: 'srv_1',
    tenantId: 'org_1',
    serverName: 'x',
    pin: new Uint8Array(32),
  };
  const keys = [{ keyId: keyId(publicKey), publicKey, role: 'auth' as const }];
  const signature = Buffer.alloc(64);
  signature[0] = 1;
  expect(() =>
    answerChallenge(
      identity,
      { version: 1, expiresAtMs: Infinity, keys },
      { host: 'x.example.com', nonce: makeNonce(), sentAtMs: 0 },
      {
        keySet: undefined,
        keyId: Buffer.from(keyId(publicKey)),
        controlNonce: Buffer.from(makeNonce()),
        timeMs: 1n,
        tenantId: 'org_1',
        signature,
      },
    ),
  ).toThrow(/cannot prove/);
});
