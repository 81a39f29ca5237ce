import type { Context } from '../context.ts';
import type { Engine } from '../engines/engine.ts';
import { pm2Engine } from '../engines/pm2.ts';
import type { Front } from '../fronts/front.ts';
import { createFront } from '../fronts/create.ts';

/** What runs and serves the apps of this machine. */
export type Machine = { readonly engine: Engine; readonly front: Front };

const machines = new WeakMap<Context, Machine>();

/** The engine and the front of an agent; each is made once, so that actions and reporters share them. */
export function machineOf(context: Context): Machine {
  const known = machines.get(context);
  if (known !== undefined) return known;
  const machine = {
    engine: pm2Engine({ state: context.settings.state, pm2: context.settings.programs.pm2 }),
    front: createFront(context.settings),
  };
  machines.set(context, machine);
  return machine;
}
