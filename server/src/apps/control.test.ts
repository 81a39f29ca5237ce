import { create } from '@bufbuild/protobuf';
import { AppAction as Do, OrderOutcome } from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import { AppReportSchema, AppState } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { AppAction } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { addAgent, connectAgent, type AgentSession, type Came } from '../testing/agent.ts';
import { addApp } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';

let plane: TestPlane;
let person: Person;
let session: AgentSession;
let app: { id: string; name: string };
let number = 0;
beforeAll(async () => {
  plane = await startTestPlane({ SERVERFLOW_ORDER_WAIT_MS: '5000' });
  person = await plane.person();
  session = await connectAgent(plane, await addAgent(plane, person));
  app = await addApp(person);
  await measured(AppState.SERVING);
});
afterAll(async () => {
  session.cut();
  await session.ended;
  await plane.close();
});

const until = (claim: () => boolean) => vi.waitUntil(claim, { timeout: 15_000, interval: 20 });
const client = () => person.client(AppService);
const control = (action: AppAction, more = {}) =>
  client().controlApp({ app: app.name, action, ...more });

/** Reports what the app does, and waits until it is taken. */
async function measured(state: AppState): Promise<void> {
  const body = { appId: app.id, state, servingRelease: 1, keptReleases: [1] };
  session.report(++number, { case: 'app', value: create(AppReportSchema, body) });
  await until(() => session.lastAck() === number);
}

/** Waits for the next order and answers it once `before` is done. */
async function answerNext(
  answer: Parameters<AgentSession['receipt']>[1],
  before: () => Promise<void> = async () => {},
): Promise<Came> {
  const known = session.orders.length;
  await until(() => session.orders.length > known);
  const came = session.orders[known]!;
  await before();
  session.report(++number, session.receipt(came, answer));
  return came;
}

test('an action is ordered, waited for, and answered with the state before and after', async () => {
  const ordered = answerNext({ outcome: OrderOutcome.DONE }, () => measured(AppState.STOPPED));
  const done = await control(AppAction.STOP);
  expect((await ordered).order.action).toMatchObject({
    case: 'controlApp',
    value: { appId: app.id, action: Do.STOP },
  });
  expect(done).toMatchObject({
    stateBefore: AppState.SERVING,
    app: { name: app.name, state: AppState.STOPPED, stateDetail: '' },
  });
});

test.each([
  [{ outcome: OrderOutcome.FAILED, code: 'X', message: 'PM2 is gone.' }, Reason.ORDER_REFUSED],
  [{ outcome: OrderOutcome.REFUSED, code: 'POLICY_REFUSED' }, Reason.POLICY_REFUSED],
  [{ outcome: OrderOutcome.UNKNOWN, code: 'X' }, Reason.ORDER_REFUSED],
])('an order that ends as %j is told with its reason', async (answer, reason) => {
  const ordered = answerNext(answer);
  expect(await reasonOf(control(AppAction.START))).toBe(reason);
  await ordered;
});

test('validate_only orders nothing', async () => {
  const known = session.orders.length;
  expect((await control(AppAction.RESTART, { validateOnly: true })).app?.name).toBe(app.name);
  await measured(AppState.SERVING);
  expect(session.orders.length).toBe(known);
});

test('a server that does not answer in time is said not to', async () => {
  expect(await reasonOf(control(AppAction.RESTART))).toBe(Reason.ORDER_TIMEOUT);
});
