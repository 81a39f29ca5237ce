import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  generateSigningKey,
  maxPayloadBytes,
  sealOrder,
  sealReceipt,
} from '@serverflow/agent/envelope';
import type { Signed } from '@serverflow/gen/grpc/serverflow/agent/v1/envelope';
import { Order, OrderOutcome } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { Bench } from './testing/bench.ts';
import { newOrderId, signedMessage } from './testing/messages.ts';
import { type Action, APP, deployOf, orderFor, PING, signOrder, STOP } from './testing/orders.ts';
import { until } from './testing/until.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
  bench.start();
  await bench.controller.session();
});
afterAll(() => bench.close());

/** Sends bytes and returns the code of the receipt that answers them. */
async function codeFor(make: (place: ReturnType<Bench['place']>) => Signed, counts: boolean) {
  const { controller } = bench;
  const session = await controller.session();
  const before = controller.receipts.length;
  session.send(make(bench.place(session)));
  if (counts) session.next++;
  const receipt = await until(() => controller.receipts[before], 'a receipt');
  expect(receipt.outcome).toBe(OrderOutcome.ORDER_OUTCOME_REFUSED);
  expect(receipt.message).toMatch(/[;.:].{8,}\.$/);
  return receipt.code;
}

/** Nothing ran, and the agent still obeys. */
async function expectUntouched() {
  expect(bench.performed).toEqual([]);
  expect(bench.journalBytes()).toBe(0);
  const { orderId } = await bench.order(PING);
  await until(
    () => bench.controller.receipts.find((each) => each.orderId === orderId),
    'the answer to a ping',
  );
}

type Change = Partial<Order> | ((order: Order) => Partial<Order>);
const key = () => bench.controller.orderKey;
const other = generateSigningKey();
const bytesOf = (order: Order): Uint8Array => Order.encode(order).finish();
const raw = (payload: Uint8Array): Signed => signedMessage(sealOrder(payload, key()));

describe('envelopes that were not signed for this agent as they are', () => {
  const table: [string, string, (order: Order) => Signed][] = [
    ['forged with an unknown key', 'UNKNOWN_KEY', (order) => signOrder(order, other)],
    ['not signed', 'UNKNOWN_KEY', (order) => ({ ...signOrder(order, key()), signatures: [] })],
    [
      'signed by another key under the name of the right one',
      'BAD_SIGNATURE',
      (order) => {
        const signed = signOrder(order, other);
        const keyId = Buffer.from(key().keyId);
        return { ...signed, signatures: signed.signatures.map((each) => ({ ...each, keyId })) };
      },
    ],
    [
      'altered after signing',
      'BAD_SIGNATURE',
      (order) => ({
        ...signOrder(order, key()),
        payload: Buffer.from(bytesOf({ ...order, action: STOP })),
      }),
    ],
    [
      'signed as a receipt',
      'BAD_SIGNATURE',
      (order) => ({
        ...signedMessage(sealReceipt(bytesOf(order), key())),
        payloadType: 'application/vnd.serverflow.order.v1+protobuf',
      }),
    ],
    [
      'of another type',
      'BAD_SIGNATURE',
      (order) => ({ ...signOrder(order, key()), payloadType: 'x' }),
    ],
    ['too large', 'TOO_LARGE', () => raw(Buffer.alloc(maxPayloadBytes + 1))],
    ['no order at all', 'NOT_CANONICAL', () => raw(Buffer.from('not an order'))],
    [
      'with an unknown field',
      'NOT_CANONICAL',
      (order) => raw(Buffer.concat([bytesOf(order), Buffer.from([0xa0, 0x06, 1])])),
    ],
    [
      'with an unknown field inside',
      'NOT_CANONICAL',
      (order) => {
        const bytes = Buffer.from(bytesOf({ ...order, action: undefined }));
        return raw(Buffer.concat([bytes, Buffer.from([0x52, 0x02, 0x08, 0x01])]));
      },
    ],
    [
      'with a doubled field',
      'NOT_CANONICAL',
      (order) => raw(Buffer.concat([bytesOf(order), Buffer.from([0x20, 0x01])])),
    ],
    [
      'with two actions',
      'NOT_CANONICAL',
      (order) => raw(Buffer.concat([bytesOf(order), Buffer.from([0x52, 0x00, 0x5a, 0x00])])),
    ],
    [
      'with a default written out',
      'NOT_CANONICAL',
      (order) =>
        raw(Buffer.concat([bytesOf({ ...order, keySetVersion: 0 }), Buffer.from([0x40, 0x00])])),
    ],
  ];
  test.each(table)('%s: %s', async (_, code, make) => {
    expect(await codeFor((place) => make(orderFor(place, deployOf())), false)).toBe(code);
    await expectUntouched();
  });
});

describe('orders with a good signature that do not belong here', () => {
  const now = BigInt(Date.now());
  const table: [string, string, Change, boolean][] = [
    ['for another agent', 'NOT_FOR_ME', { agentId: 'srv_2' }, false],
    ['for another tenant', 'NOT_FOR_ME', { tenantId: 'org_other' }, false],
    ['for another session', 'WRONG_SESSION', { sessionId: Buffer.alloc(32, 7) }, false],
    ['for no session', 'WRONG_SESSION', { sessionId: Buffer.alloc(0) }, false],
    [
      'ahead of its place',
      'WRONG_SEQUENCE',
      ({ sequence }) => ({ sequence: sequence + 1n }),
      false,
    ],
    ['behind its place', 'WRONG_SEQUENCE', ({ sequence }) => ({ sequence: sequence - 1n }), false],
    ['of the greatest number', 'WRONG_SEQUENCE', { sequence: 2n ** 64n - 1n }, false],
    ['expired', 'EXPIRED', { issuedAtMs: now - 100_000n, expiresAtMs: now - 1n }, true],
    ['of too long a life', 'BAD_LIFETIME', { issuedAtMs: now, expiresAtMs: now + 120_001n }, true],
    ['of no life', 'BAD_LIFETIME', { issuedAtMs: now, expiresAtMs: now }, true],
    [
      'from the future',
      'NOT_YET_VALID',
      { issuedAtMs: now + 600_000n, expiresAtMs: now + 660_000n },
      true,
    ],
    ['under another key set', 'WRONG_KEY_SET', { keySetVersion: 9 }, true],
    ['without an action', 'BAD_ACTION', { action: undefined }, true],
    ['with an id of another kind', 'BAD_ID', { orderId: '../../etc/passwd' }, true],
  ];
  test.each(table)('%s: %s', async (_, code, change, counts) => {
    const make = (place: ReturnType<Bench['place']>): Signed => {
      const order = orderFor(place, deployOf());
      const changes = typeof change === 'function' ? change(order) : change;
      return signOrder({ ...order, ...changes }, key());
    };
    expect(await codeFor(make, counts)).toBe(code);
    await expectUntouched();
  });
});

describe('arguments that a control plane should never have signed', () => {
  const settings = (changes: Partial<NonNullable<typeof APP.settings>>): Action =>
    deployOf({ settings: { ...APP.settings!, ...changes } });
  const variable = (name: string, sealed = Buffer.alloc(60)): Action => {
    const action = deployOf();
    if (action.$case === 'deploy') action.value.variables = [{ name, sealed, version: 1 }];
    return action;
  };
  const repository = (address: string): Action => deployOf({ repository: address });
  const table: [string, Action][] = [
    ['BAD_REPOSITORY', repository('ext::sh -c id')],
    ['BAD_REPOSITORY', repository('ext::sh')],
    ['BAD_REPOSITORY', repository('--upload-pack=/bin/sh')],
    ['BAD_REPOSITORY', repository('file:///etc')],
    ['BAD_REPOSITORY', repository('/etc')],
    ['BAD_REPOSITORY', repository('')],
    ['BAD_REPOSITORY', repository('git://example.com/x.git')],
    ['BAD_REPOSITORY', repository('http://example.com/x.git')],
    ['BAD_REPOSITORY', repository('https://user:secret@example.com/x.git')],
    ['BAD_REPOSITORY', repository('https://token@example.com/x.git')],
    ['BAD_REPOSITORY', repository('ssh://-oProxyCommand=id/x')],
    ['BAD_REPOSITORY', repository('ssh://git:pw@example.com/x')],
    ['BAD_REPOSITORY', repository('git@-oProxyCommand=id:x')],
    ['BAD_REPOSITORY', repository('https://127.0.0.1/x.git')],
    ['BAD_REPOSITORY', repository('https://127.1/x.git')],
    ['BAD_REPOSITORY', repository('https://0x7f000001/x.git')],
    ['BAD_REPOSITORY', repository('https://2130706433/x.git')],
    ['BAD_REPOSITORY', repository('https://[::1]/x.git')],
    ['BAD_REPOSITORY', repository('https://[::ffff:127.0.0.1]/x.git')],
    ['BAD_REPOSITORY', repository('https://169.254.169.254/latest')],
    ['BAD_REPOSITORY', repository('ssh://git@192.168.1.1/x.git')],
    ['BAD_REPOSITORY', repository('git@10.0.0.1:x.git')],
    ['BAD_REPOSITORY', repository('https://localhost/x.git')],
    ['BAD_REPOSITORY', repository('https://example.com/a b.git')],
    ['BAD_REPOSITORY', repository('https://example.com/x.git\n--config')],
    ['BAD_REPOSITORY', repository('example:../../etc')],
    ['BAD_REPOSITORY', repository(`https://example.com/${'x'.repeat(500)}`)],
    ['BAD_REF', deployOf({ repository: 'example:hello' }, '--upload-pack=id')],
    ['BAD_REF', deployOf({ repository: 'example:hello' }, 'a..b')],
    ['BAD_REF', deployOf({ repository: 'example:hello' }, 'main^{tree}')],
    ['BAD_REF', deployOf({ repository: 'example:hello' }, 'a@{1}')],
    ['BAD_REF', deployOf({ repository: 'example:hello' }, 'main:path')],
    ['BAD_REF', deployOf({ repository: 'example:hello' }, 'x.lock')],
    ['BAD_NAME', deployOf({ name: 'Shop' })],
    ['BAD_NAME', deployOf({ name: '../x' })],
    ['BAD_NAME', deployOf({ name: 'a'.repeat(41) })],
    ['BAD_ID', deployOf({ appId: '../../x' })],
    ['BAD_ID', deployOf({ appId: '' })],
    ['BAD_PATH', deployOf({ directory: '../x' })],
    ['BAD_PATH', deployOf({ directory: '/etc' })],
    ['BAD_PATH', deployOf({ directory: 'a/../../b' })],
    ['BAD_PATH', deployOf({ directory: 'a\\b' })],
    ['BAD_PATH', deployOf({ directory: '.git/hooks' })],
    ['BAD_PATH', settings({ outputDirectory: '../../../etc' })],
    ['BAD_SETTING', settings({ healthPath: '' })],
    ['BAD_SETTING', settings({ healthPath: '/ HTTP/1.1\r\nx: y' })],
    ['BAD_SETTING', settings({ buildScript: 'build; id' })],
    ['BAD_SETTING', settings({ startScript: '--ignore' })],
    ['BAD_SETTING', settings({ bakeMs: 0 })],
    ['BAD_SETTING', settings({ healthPasses: 21 })],
    ['BAD_SETTING', settings({ buildTimeoutMs: 4_000_000_000 })],
    ['BAD_SETTING', deployOf({ settings: undefined })],
    ['BAD_ACTION', deployOf({ kind: 7 as never })],
    ['BAD_DOMAIN', deployOf({ domains: ['b.example.com', 'a.example.com'] })],
    ['BAD_DOMAIN', deployOf({ domains: ['a.example.com', 'a.example.com'] })],
    ['BAD_VARIABLE', variable('1X')],
    ['BAD_VARIABLE', variable('A B')],
    ['BAD_VARIABLE', variable('LD_PRELOAD')],
    ['BAD_VARIABLE', variable('NODE_OPTIONS')],
    ['BAD_VARIABLE', variable('PORT')],
    ['BAD_VARIABLE', variable('A', Buffer.alloc(0))],
    ['BAD_VARIABLE', variable('A', Buffer.alloc(70_000))],
    ...[
      'localhost',
      'shop.localhost',
      '127.0.0.1',
      'a b.example.com',
      'A.example.com',
      'x',
      'a..b',
      '-a.example.com',
      'a.example.com;',
      'x{}.example.com',
    ].map((hostname): [string, Action] => [
      'BAD_DOMAIN',
      { $case: 'addDomain', value: { appId: 'app_1', hostname } },
    ]),
    ['BAD_ACTION', { $case: 'controlApp', value: { appId: 'app_1', action: 0 } }],
    ['BAD_ACTION', { $case: 'controlApp', value: { appId: 'app_1', action: 99 as never } }],
    ['BAD_ACTION', { $case: 'controlService', value: { service: 0, action: 1 } }],
    ['BAD_ACTION', { $case: 'controlService', value: { service: 1, action: 44 as never } }],
    ['BAD_ID', { $case: 'removeApp', value: { appId: 'x/../..' } }],
    [
      'BAD_SETTING',
      {
        $case: 'rollBack',
        value: { app: { ...APP, repository: 'example:hello' }, deploymentId: 'dep_1', release: 0 },
      },
    ],
  ];
  test.each(table)('%s %#', async (code, action) => {
    expect(await codeFor((place) => signOrder(orderFor(place, action), key()), true)).toBe(code);
    expect(bench.performed).toEqual([]);
    expect(bench.journalBytes()).toBe(0);
  });
});

test('captured orders are worthless in the next session', async () => {
  const session = await bench.controller.session();
  const captured = signOrder(
    orderFor({ ...bench.place(session), sequence: 1 }, STOP, { orderId: newOrderId() }),
    key(),
  );
  bench.relay.cut();
  await until(() => !session.isOpen(), 'the end of the session');
  expect(await codeFor(() => captured, false)).toBe('WRONG_SESSION');
  await expectUntouched();
});
