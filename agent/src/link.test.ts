import { afterEach, beforeEach, expect, test } from 'vitest';
import { OrderOutcome } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { Bench } from './testing/bench.ts';
import { PING } from './testing/orders.ts';
import { log, step } from './testing/reports.ts';
import { until } from './testing/until.ts';

let bench: Bench;
beforeEach(async () => (bench = await Bench.open()));
afterEach(() => bench.close());

test('a ping is answered with a signed receipt and touches no journal', async () => {
  bench.start();
  await bench.order(PING);
  const receipt = await until(() => bench.controller.receipts[0], 'a receipt');
  expect(receipt.outcome).toBe(OrderOutcome.ORDER_OUTCOME_DONE);
  expect(receipt.code).toBe('');
  expect(bench.journalBytes()).toBe(0);
});

test('reports survive a cut connection and an agent that is started again, each once and in order', async () => {
  bench.start();
  await bench.controller.session();
  for (let i = 0; i < 50; i++) bench.context().report(step(`${i}`));
  bench.relay.cut();
  for (let i = 50; i < 100; i++) bench.context().report(step(`${i}`));
  await bench.stop();
  bench.start();
  for (let i = 100; i < 120; i++) bench.context().report(step(`${i}`));
  await until(() => bench.controller.acknowledged === 120, 'every report');
  const details = [...bench.controller.reports]
    .sort(([a], [b]) => a - b)
    .map(([, { body }]) => body);
  expect(details.map((body) => body?.$case === 'step' && body.value.detail)).toEqual(
    Array.from({ length: 120 }, (_, index) => `${index}`),
  );
});

test('a connection from which nothing comes any more is given up and made anew', async () => {
  await bench.close();
  bench = await Bench.open({ deadAfterMs: 400 });
  bench.start();
  await bench.controller.session();
  bench.relay.stall();
  await until(() => bench.notices.some((line) => line.includes('Nothing came')), 'the notice');
  bench.relay.resume();
  await until(() => bench.controller.sessions.length >= 2, 'a second session');
  expect(bench.controller.sessions[0]?.isOpen()).toBe(false);
});

test('an agent that finds no control plane keeps trying, and says why once', async () => {
  bench.relay.refuse();
  bench.start();
  await until(() => bench.relay.refused >= 4, 'four attempts');
  expect(bench.notices).toHaveLength(1);
  expect(bench.notices[0]).toMatch(/cannot be reached|Nothing listens|ended/);
  bench.relay.accept();
  await bench.controller.session();
});

test('a relay that answers under another host is not believed, and gets no proof', async () => {
  bench.controller.behaviour.host = 'serverflow.example.com';
  bench.start();
  await until(() => bench.notices.some((line) => line.includes('cannot prove')), 'the notice');
  expect(bench.controller.sessions).toHaveLength(0);
});

test('a key set older than the newest one seen is refused', async () => {
  bench.controller.keySetVersion = 3;
  bench.start();
  await bench.controller.session();
  await bench.stop();
  bench.controller.keySetVersion = 2;
  bench.start();
  await until(() => bench.notices.some((line) => line.includes('key set 2')), 'the notice');
  expect(bench.controller.sessions).toHaveLength(1);
});

test('a control plane that was set back gets the numbers it lacks as empty reports', async () => {
  bench.start();
  await bench.controller.session();
  for (let i = 0; i < 400; i++) bench.context().report(log(i + 1, 'x'.repeat(4000)));
  await until(() => bench.controller.acknowledged === 400, 'every report');
  await bench.stop();
  bench.controller.acknowledged = 10;
  bench.controller.reports.clear();
  for (let i = 1; i <= 10; i++)
    bench.controller.reports.set(i, { sequence: BigInt(i), body: undefined });
  bench.start();
  bench.context().report(step('last'));
  await until(() => bench.controller.acknowledged === 401, 'the last report');
  expect(bench.controller.reports.get(401)?.body?.$case).toBe('step');
});
