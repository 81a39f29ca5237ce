import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { openOrder, trust as trusted } from '@serverflow/agent/envelope';
import { KeyRole, KeySetSchema } from '@serverflow/gen/es/serverflow/agent/v1/envelope_pb';
import {
  AppAction,
  OrderSchema,
  type Order,
} from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newOrderId } from '../store/ids.ts';
import { openTrust, type Trust } from './keys.ts';
import { openRecovery } from './recovery.ts';
import { createSigner, type Signer } from './signer.ts';

let data: string;
let trust: Trust;
let signer: Signer;
beforeAll(() => {
  data = mkdtempSync(join(tmpdir(), 'serverflow-trust-'));
  trust = openTrust(data, undefined);
  signer = createSigner(trust.folder, pino({ level: 'silent' }));
});
afterAll(async () => {
  await signer.close();
  rmSync(data, { recursive: true, force: true });
});

type Init = Exclude<MessageInitShape<typeof OrderSchema>, Order>;

function order(more: Init = {}): Order {
  const now = Date.now();
  return create(OrderSchema, {
    agentId: 'srv_1',
    tenantId: 'org_1',
    sessionId: new Uint8Array(32).fill(7),
    sequence: 1n,
    orderId: newOrderId(),
    issuedAtMs: BigInt(now),
    expiresAtMs: BigInt(now + 60_000),
    keySetVersion: 1,
    actor: { person: 'owner@example.com' },
    action: {
      case: 'controlApp',
      value: {
        $typeName: 'serverflow.agent.v1.ControlApp',
        appId: 'app_1',
        action: AppAction.START,
      },
    },
    ...more,
  });
}

test('the first start founds the trust, the second finds the same, and every file is private', () => {
  expect(trust.recovery).toMatch(/^([a-z2-9]{4}-){7}[a-z2-9]{4}$/);
  const again = openTrust(data, undefined);
  expect(again.recovery).toBeUndefined();
  expect(Buffer.from(again.pin)).toEqual(Buffer.from(trust.pin));
  for (const name of ['root.recovery', 'auth.key', 'order.key', 'key-set'])
    expect(statSync(join(trust.folder, name)).mode & 0o777).toBe(0o600);
  expect(statSync(trust.folder).mode & 0o777).toBe(0o700);
});

test('the recovery file opens under its passphrase only', () => {
  const file = readFileSync(join(trust.folder, 'root.recovery'));
  expect(openRecovery(file, trust.recovery!)).toHaveLength(32);
  expect(() => openRecovery(file, 'another')).toThrow();
  file[50]! ^= 1;
  expect(() => openRecovery(file, trust.recovery!)).toThrow();
});

test('a passphrase that was given opens the recovery file too, and is not shown', () => {
  const other = mkdtempSync(join(tmpdir(), 'serverflow-trust-'));
  try {
    const { folder, recovery } = openTrust(other, 'correct horse battery staple');
    expect(recovery).toBeUndefined();
    const file = readFileSync(join(folder, 'root.recovery'));
    expect(openRecovery(file, 'correct horse battery staple')).toHaveLength(32);
  } finally {
    rmSync(other, { recursive: true, force: true });
  }
});

test('the signer signs an order with the key of the key set, over the exact bytes', async () => {
  const asked = order();
  const signed = await signer.sign(asked);
  const set = fromBinary(KeySetSchema, trust.keySet.keySet!.payload);
  const key = set.keys.find((one) => one.roles.includes(KeyRole.ORDER))!;
  const bytes = openOrder(signed, trusted(key.publicKey, 'order'));
  expect(Buffer.from(bytes)).toEqual(Buffer.from(toBinary(OrderSchema, asked)));
  expect(readFileSync(join(trust.folder, 'signed.log'), 'utf8')).toContain(asked.orderId);
});

test.each<[string, Init]>([
  ['without an action', { action: { case: undefined } }],
  ['for no agent', { agentId: '' }],
  ['for no session', { sessionId: new Uint8Array(5) }],
  ['without a place', { sequence: 0n }],
  ['with an id of another form', { orderId: '1' }],
  ['that lives too long', { expiresAtMs: BigInt(Date.now() + 600_000) }],
  [
    'from another time',
    { issuedAtMs: BigInt(Date.now() - 3_600_000), expiresAtMs: BigInt(Date.now() - 3_540_000) },
  ],
  ['for nobody', { actor: {} }],
  [
    'of an AI client that removes an app',
    {
      actor: {
        $typeName: 'serverflow.agent.v1.Actor',
        person: 'p',
        client: 'claude-code/1',
        tokenId: 'tok_1',
      },
      action: {
        case: 'removeApp',
        value: { $typeName: 'serverflow.agent.v1.RemoveApp', appId: 'app_1' },
      },
    },
  ],
])('the signer refuses an order %s by itself', async (_what, more) => {
  await expect(signer.sign(order(more))).rejects.toThrow(/order|AI client/i);
});

test('a signer that was killed is started again by the next order', async () => {
  await signer.sign(order());
  const before = signer.pid()!;
  process.kill(before, 'SIGKILL');
  await expect
    .poll(
      () =>
        signer.sign(order()).then(
          () => true,
          () => false,
        ),
      { timeout: 30_000 },
    )
    .toBe(true);
  expect(signer.pid()).not.toBe(before);
}, 60_000);
