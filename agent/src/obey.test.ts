import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OrderOutcome, type Receipt } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { processEnvironment } from './config.ts';
import { Bench } from './testing/bench.ts';
import { type Action, deployOf, PING, STOP } from './testing/orders.ts';
import { until } from './testing/until.ts';

const { ORDER_OUTCOME_DONE, ORDER_OUTCOME_REFUSED, ORDER_OUTCOME_FAILED, ORDER_OUTCOME_UNKNOWN } =
  OrderOutcome;
const DEPLOY = deployOf({ repository: 'example:hello' });
const REMOVE: Action = { $case: 'removeApp', value: { appId: 'app_2' } };

let bench: Bench;
beforeEach(async () => (bench = await Bench.open()));
afterEach(() => bench.close());

const receiptOf = (orderId: string): Promise<Receipt> =>
  until(() => bench.controller.receipts.find((each) => each.orderId === orderId), 'the receipt');

test('an order is carried out once, and its receipt names the exact bytes', async () => {
  bench.start();
  const { orderId } = await bench.order(STOP);
  const receipt = await receiptOf(orderId);
  expect(receipt.outcome).toBe(ORDER_OUTCOME_DONE);
  expect(receipt.orderDigest).toHaveLength(32);
  expect(bench.performed.map((order) => order.orderId)).toEqual([orderId]);
});

test('an order that is delivered again gets the stored receipt and is not run', async () => {
  bench.start();
  const { orderId } = await bench.order(STOP);
  const first = await receiptOf(orderId);
  bench.relay.cut();
  await until(() => bench.controller.sessions.length === 2, 'a second session');
  await bench.order(STOP, { orderId });
  const second = await until(() => bench.controller.receipts[1], 'a second receipt');
  expect(second).toEqual(first);
  await bench.stop();
  bench.start();
  await until(() => bench.controller.sessions.length === 3, 'a third session');
  await bench.order(STOP, { orderId });
  expect(await until(() => bench.controller.receipts[2], 'a third receipt')).toEqual(first);
  expect(bench.performed).toHaveLength(1);
});

test('an order that runs is not run beside itself, nor refused, when it is delivered again', async () => {
  let end = (): void => undefined;
  bench.result = () => new Promise((done) => (end = () => done({ outcome: 'done' })));
  bench.start();
  const { orderId } = await bench.order(DEPLOY);
  await until(() => bench.performed.length === 1, 'the run');
  bench.relay.cut();
  await until(() => bench.controller.sessions.length === 2, 'a second session');
  await bench.order(DEPLOY, { orderId });
  const ping = await bench.order(PING);
  await receiptOf(ping.orderId);
  expect(bench.controller.receipts).toHaveLength(1);
  end();
  expect((await receiptOf(orderId)).outcome).toBe(ORDER_OUTCOME_DONE);
  expect(bench.performed).toHaveLength(1);
});

test('a deploy does not hold up other orders', async () => {
  bench.result = (order) =>
    order.action?.$case === 'deploy'
      ? new Promise(() => undefined)
      : Promise.resolve({ outcome: 'done' });
  bench.start();
  await bench.order(DEPLOY);
  const { orderId } = await bench.order(REMOVE);
  expect((await receiptOf(orderId)).outcome).toBe(ORDER_OUTCOME_DONE);
});

test('what an action says of its failure is signed, without secrets', async () => {
  bench.result = async () => ({
    outcome: 'failed',
    code: 'BUILD_FAILED',
    message: 'hunter2-secret failed.',
  });
  bench.start();
  await bench.controller.session();
  bench.context().redactor.add('hunter2-secret');
  const { orderId } = await bench.order(STOP);
  const receipt = await receiptOf(orderId);
  expect([receipt.outcome, receipt.code, receipt.message]).toEqual([
    ORDER_OUTCOME_FAILED,
    'BUILD_FAILED',
    '[redacted] failed.',
  ]);
});

test('an action that throws ends as failed, once', async () => {
  bench.result = async () => {
    throw new Error('out of luck');
  };
  bench.start();
  const { orderId } = await bench.order(STOP);
  expect(await receiptOf(orderId)).toMatchObject({
    outcome: ORDER_OUTCOME_FAILED,
    code: 'INTERNAL',
  });
});

describe('the policy of the server', () => {
  const table: [string, string, Action][] = [
    ['read-only', 'read_only = true', STOP],
    ['refused kind', 'refused_actions = ["remove_app"]', REMOVE],
    [
      'host not listed',
      'repository_hosts = ["git.example.com"]',
      deployOf({ repository: 'https://other.example.com/x.git' }),
    ],
    ['example where hosts are listed', 'repository_hosts = ["git.example.com"]', DEPLOY],
    [
      'domain',
      'domain_suffixes = ["example.com"]',
      { $case: 'addDomain', value: { appId: 'app_1', hostname: 'a.notexample.com' } },
    ],
    [
      'domain of a deploy',
      'domain_suffixes = ["example.com"]',
      deployOf({ repository: 'example:hello', domains: ['x.example.org'] }),
    ],
    ['misspelt', 'readonly = true', STOP],
    ['malformed', 'read_only =', STOP],
  ];
  test.each(table)('refuses: %s', async (_, toml, action) => {
    bench.policy(toml);
    bench.start();
    const { orderId } = await bench.order(action);
    const receipt = await receiptOf(orderId);
    expect([receipt.outcome, receipt.code]).toEqual([ORDER_OUTCOME_REFUSED, 'POLICY_REFUSED']);
    expect(receipt.message).toContain('policy.toml');
    expect(bench.performed).toEqual([]);
    expect(bench.journalBytes()).toBe(0);
  });

  test('allows a private repository host that it lists, without encryption too', async () => {
    bench.policy('repository_hosts = ["127.0.0.1"]');
    bench.start();
    const { orderId } = await bench.order(
      deployOf({ repository: 'http://127.0.0.1:8080/shop.git' }),
    );
    expect((await receiptOf(orderId)).outcome).toBe(ORDER_OUTCOME_DONE);
  });
});

test('a journal that cannot be read refuses every change, and a ping still answers', async () => {
  bench.start();
  await receiptOf((await bench.order(STOP)).orderId);
  await bench.stop();
  const file = join(bench.settings.state, 'journal');
  const bytes = readFileSync(file);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  bench.start();
  await until(() => bench.controller.sessions.length === 2, 'a second session');
  const refused = await bench.order(STOP);
  expect((await receiptOf(refused.orderId)).code).toBe('JOURNAL_UNREADABLE');
  expect((await receiptOf((await bench.order(PING)).orderId)).outcome).toBe(ORDER_OUTCOME_DONE);
  expect(bench.performed).toHaveLength(1);
});

describe('after a kill -9 between started and done', () => {
  const table: [string, Action, keyof typeof outcomes][] = [
    ['a deploy is taken up by its own journal', DEPLOY, 'recovered'],
    ['a removal is done again', REMOVE, 'performed'],
    ['a restart ends as unknown and is not run again', STOP, 'unknown'],
  ];
  const outcomes = {
    recovered: ORDER_OUTCOME_DONE,
    performed: ORDER_OUTCOME_DONE,
    unknown: ORDER_OUTCOME_UNKNOWN,
  };
  test.each(table)('%s', async (_, action, end) => {
    const { state, controlPlane } = bench.settings;
    const program = join(import.meta.dirname, 'testing', 'killed-agent.ts');
    const { PATH } = processEnvironment();
    const child = spawn(process.execPath, [program, state, controlPlane.origin], {
      env: { PATH, NODE_COMPILE_CACHE: join(state, 'cache') },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    const { orderId } = await bench.order(action);
    await until(() => output.includes(`began ${orderId}`), 'the run');
    child.kill('SIGKILL');
    await once(child, 'exit');

    bench.start();
    const receipt = await receiptOf(orderId);
    expect(receipt.outcome).toBe(outcomes[end]);
    expect(bench.recovered).toHaveLength(end === 'recovered' ? 1 : 0);
    expect(bench.performed).toHaveLength(end === 'performed' ? 1 : 0);
    // What it said before it was killed came through once, in order.
    const lines = [...bench.controller.reports.values()].flatMap(({ body }) =>
      body?.$case === 'log' ? [Number(body.value.firstNumber)] : [],
    );
    expect(lines).toEqual(Array.from({ length: 20 }, (__, index) => index + 1));

    await until(() => bench.controller.sessions.length === 2, 'the next session');
    await bench.order(action, { orderId });
    await until(() => bench.controller.receipts.length === 2, 'the stored receipt');
    expect(bench.controller.receipts[1]).toEqual(receipt);
  });
});
