import { writeSync } from 'node:fs';
import { parseControlPlane, processEnvironment, readSettings } from '../config.ts';
import { runAgent } from '../run.ts';

/** A program of its own for tests that kill it: its actions say that they began, and never end. */
const [state = '', address = ''] = process.argv.slice(2);
const controlPlane = parseControlPlane(address).origin;
const settings = {
  ...readSettings({ state, controlPlane }, processEnvironment()),
  reconnectMinMs: 20,
  reconnectMaxMs: 200,
};
await runAgent(
  settings,
  {
    perform: (context, order) => {
      for (let number = 1; number <= 20; number++) {
        context.report({
          $case: 'log',
          value: {
            appId: 'app_1',
            deploymentId: 'dep_1',
            firstNumber: BigInt(number),
            lines: [{ timeMs: 1n, stream: 3, text: `${number}` }],
          },
        });
      }
      writeSync(1, `began ${order.orderId}\n`);
      return new Promise(() => undefined);
    },
    recover: () => new Promise(() => undefined),
    startReporters: () => undefined,
  },
  (line) => writeSync(2, `${line}\n`),
  new AbortController().signal,
);
