import { Order } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { perform } from '../actions/perform.ts';
import { makeDesk } from './desk.ts';

/*
 * Carries out one order and says each step on its standard output, so that a test can kill it in the
 * middle of one. Arguments: the state folder, the front's port, the order as base64.
 */
const [state = '', port = '', order = ''] = process.argv.slice(2);
const desk = await makeDesk('embedded', state, Number(port));
const push = desk.reports.push.bind(desk.reports);
desk.reports.push = (...bodies) => {
  for (const body of bodies)
    if (body.$case === 'step') console.log(`step ${body.value.step} ${body.value.state}`);
  return push(...bodies);
};
await perform(
  desk.context,
  Order.decode(Buffer.from(order, 'base64')),
  new AbortController().signal,
);
