import { Order } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { perform } from '../actions/perform.ts';
import { makeDesk } from './desk.ts';

/*
 * Carries out one order and kills itself with SIGKILL some milliseconds after a step has begun.
 * Arguments: the state folder, the front's port, the order as base64, the step's number, the milliseconds.
 */
const [state = '', port = '', order = '', step = '', delayMs = ''] = process.argv.slice(2);
const kill = () => process.kill(process.pid, 'SIGKILL');
const desk = await makeDesk('embedded', state, Number(port));
const push = desk.reports.push.bind(desk.reports);
desk.reports.push = (...bodies) => {
  const begins = bodies.some(
    (body) => body.$case === 'step' && body.value.step === Number(step) && body.value.endMs === 0n,
  );
  if (begins && delayMs === '0') kill();
  if (begins) setTimeout(kill, Number(delayMs));
  return push(...bodies);
};
await perform(
  desk.context,
  Order.decode(Buffer.from(order, 'base64')),
  new AbortController().signal,
);
