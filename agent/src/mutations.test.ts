import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSealingKey, generateSigningKey, trust } from '@serverflow/agent/envelope';
import { Signed } from '@serverflow/gen/grpc/serverflow/agent/v1/envelope';
import { type Order, OrderOutcome } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Identity } from './identity.ts';
import { Journal } from './journal.ts';
import { makeObeyer } from './obey.ts';
import { OPEN_POLICY } from './policy.ts';
import { Redactor } from './redact.ts';
import type { Session } from './session.ts';
import { Bench } from './testing/bench.ts';
import { TENANT } from './testing/controller.ts';
import { testSettings } from './testing/enrolled.ts';
import { type Action, orderFor, signOrder, STOP } from './testing/orders.ts';
import { until } from './testing/until.ts';

const seed = Date.now() % 2 ** 31;
let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'mutations-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const key = generateSigningKey();
const stranger = generateSigningKey();
const DOMAIN: Action = {
  $case: 'addDomain',
  value: { appId: 'app_1', hostname: 'shop.example.com' },
};

/** Changes the bytes of an envelope as they go over the wire; undefined where the result says the same. */
function mutate(signed: Signed, random: (below: number) => number): Signed | undefined {
  const wire = Buffer.from(Signed.encode(signed).finish());
  const at = random(wire.length);
  const changed = [
    () => wire.fill((wire[at] ?? 0) ^ (1 << random(8)), at, at + 1),
    () => wire.subarray(0, at),
    () => Buffer.concat([wire.subarray(0, at), Buffer.from([random(256)]), wire.subarray(at)]),
    () => Buffer.concat([wire.subarray(0, at), wire.subarray(at + 1 + random(8))]),
    () => Buffer.concat([wire, wire.subarray(at)]),
  ][random(5)]?.();
  try {
    const decoded = Signed.decode(changed ?? wire);
    const isSame = Buffer.from(Signed.encode(decoded).finish()).equals(
      Signed.encode(signed).finish(),
    );
    return isSame ? undefined : decoded;
  } catch {
    return undefined;
  }
}

/** A well-signed order that does not belong where it is sent. */
function misaddress(order: Order, random: (below: number) => number): Signed {
  const changes: Partial<Order>[] = [
    { agentId: `srv_${random(1000) + 2}` },
    { tenantId: `org_${random(1000)}` },
    { sessionId: Buffer.alloc(32, 2 + random(250)) },
    { sequence: order.sequence + BigInt(random(1000) + 1) },
    { sequence: 0n },
    {
      issuedAtMs: order.issuedAtMs - 200_000n,
      expiresAtMs: order.issuedAtMs - 1n - BigInt(random(1000)),
    },
    { keySetVersion: 2 + random(1000) },
    { expiresAtMs: order.issuedAtMs + 120_001n + BigInt(random(1000)) },
  ];
  return signOrder({ ...order, ...changes[random(changes.length)] }, key);
}

test(`of 10,000 mutated, replayed and misaddressed envelopes none is carried out (seed ${seed})`, async () => {
  const random = randomFrom(seed);
  const performed: Order[] = [];
  const receipts: string[] = [];
  const settings = testSettings(new URL('http://127.0.0.1:1'));
  const identity: Identity = {
    signingKey: generateSigningKey(),
    sealingKey: generateSealingKey(),
    agentId: 'srv_1',
    tenantId: TENANT,
    serverName: 'test',
    pin: Buffer.alloc(32),
  };
  const journal = new Journal(join(folder, 'journal'));
  const context = {
    settings,
    policy: OPEN_POLICY,
    redactor: new Redactor(),
    report: ({ $case }: { $case: string }) => void receipts.push($case),
    openVariable: () => '',
  };
  const { take } = makeObeyer({
    identity,
    context,
    journal,
    flush: () => undefined,
    perform: async (_, order) => {
      performed.push(order);
      return { outcome: 'done' };
    },
  });
  const id = Buffer.alloc(32, 1);
  const session: Session = {
    id,
    trust: { version: 1, expiresAtMs: Infinity, keys: trust(key.publicKey, 'auth', 'order') },
    now: () => Date.now(),
    lastSequence: 0,
  };
  const place = (sequence: number) => ({
    sessionId: id,
    agentId: 'srv_1',
    sequence,
    keySetVersion: 1,
  });

  // The same order without any change is carried out: otherwise this test would show nothing.
  const first = orderFor(place(1), DOMAIN);
  await take(session, signOrder(first, key));
  expect(performed).toHaveLength(1);
  const journalBytes = statSync(join(folder, 'journal')).size;

  const expected = orderFor(place(2), STOP);
  const genuine = signOrder(expected, key);
  for (let sent = 0; sent < 10_000;) {
    const kind = random(10);
    const next = session.lastSequence + 1;
    const envelope =
      kind < 6
        ? mutate(genuine, random)
        : kind < 7
          ? signOrder(first, key)
          : kind < 8
            ? signOrder({ ...first, sequence: BigInt(next) }, key)
            : kind < 9
              ? misaddress({ ...expected, sequence: BigInt(next) }, random)
              : signOrder({ ...expected, sequence: BigInt(next) }, stranger);
    if (envelope === undefined) continue;
    await take(session, envelope);
    sent++;
  }
  expect(performed).toHaveLength(1);
  expect(receipts.length).toBe(10_001);
  expect(statSync(join(folder, 'journal')).size).toBe(journalBytes);

  await take(session, signOrder({ ...expected, sequence: BigInt(session.lastSequence + 1) }, key));
  expect(performed).toHaveLength(2);
  journal.close();
  rmSync(settings.state, { recursive: true, force: true });
}, 60_000);

test(`through the stream, too, none of 300 is carried out (seed ${seed})`, async () => {
  const random = randomFrom(seed);
  const bench = await Bench.open();
  try {
    bench.start();
    const session = await bench.controller.session();
    const genuine = signOrder(orderFor(bench.place(session), STOP), bench.controller.orderKey);
    const isWorth = (mutant: Signed | undefined): mutant is Signed => mutant !== undefined;
    const mutants = Array.from({ length: 2000 }, () => mutate(genuine, random))
      .filter(isWorth)
      .slice(0, 300);
    expect(mutants).toHaveLength(300);
    for (const mutant of mutants) session.send(mutant);
    await until(() => bench.controller.receipts.length === 300, '300 receipts', 20_000);
    expect(
      bench.controller.receipts.every(
        ({ outcome }) => outcome === OrderOutcome.ORDER_OUTCOME_REFUSED,
      ),
    ).toBe(true);
    expect(bench.performed).toEqual([]);
    expect(bench.journalBytes()).toBe(0);
    session.send(genuine);
    await until(() => bench.performed.length === 1, 'the genuine order');
  } finally {
    await bench.close();
  }
}, 60_000);
