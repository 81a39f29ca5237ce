import type { Order } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import type { ActionResult, Context } from '../context.ts';
import { controlApp } from './control-app.ts';
import { controlService } from './control-service.ts';
import { deploy } from './deploy.ts';
import { deskOf, type Desk } from './deployment.ts';
import { addDomain, removeDomain } from './domains.ts';
import { ADVICE, isAbort, reasonOf } from './failure.ts';
import { afterOthers, holding, isBusy } from './lock.ts';
import { reportApp } from './measure.ts';
import { recoverDeployment } from './recover.ts';
import { removeApp } from './remove-app.ts';
import { rollBack } from './roll-back.ts';

const DONE: ActionResult = { outcome: 'done' };
const RUNNING: ActionResult = {
  outcome: 'refused',
  code: 'DEPLOYMENT_RUNNING',
  message: 'The app is being deployed or changed; wait until that has ended, then try again.',
};

/**
 * Carries out an order that was found good. A deployment that fails by itself is an action that was
 * done; its reason is reported. Throws only when the signal aborts: the next start of the agent then
 * takes the order up again.
 */
export async function perform(
  context: Context,
  order: Order,
  signal: AbortSignal,
): Promise<ActionResult> {
  const { action } = order;
  const desk = deskOf(context);
  switch (action?.$case) {
    case 'ping':
      return DONE;
    case 'deploy':
      return alone(desk, idOf(action.value), () => deploy(desk, action.value, signal));
    case 'rollBack':
      return alone(desk, idOf(action.value), () => rollBack(desk, action.value, signal));
    case 'controlApp':
      return alone(desk, action.value.appId, () => controlApp(desk, action.value, signal));
    case 'removeApp':
      return alone(desk, action.value.appId, () => removeApp(desk, action.value));
    case 'addDomain':
      return queued(desk, action.value.appId, signal, () => addDomain(desk, action.value));
    case 'removeDomain':
      return queued(desk, action.value.appId, signal, () => removeDomain(desk, action.value));
    case 'controlService':
      return result(desk, () => controlService(desk, action.value));
    default:
      return { outcome: 'refused', code: 'BAD_ACTION', message: 'The order says nothing to do.' };
  }
}

/** Takes up a deployment or a roll back in whose middle the agent was killed: finishes it, returns, or reports that it is unknown. */
export async function recover(
  context: Context,
  order: Order,
  signal: AbortSignal = new AbortController().signal,
): Promise<ActionResult> {
  const { action } = order;
  const desk = deskOf(context);
  switch (action?.$case) {
    case 'deploy':
    case 'rollBack': {
      const kind = action.$case;
      return queued(desk, idOf(action.value), signal, () =>
        recoverDeployment(desk, kind, action.value, signal),
      );
    }
    default:
      return {
        outcome: 'unknown',
        code: 'INTERRUPTED',
        message: 'The agent was stopped in the middle of it; look at the state of the server.',
      };
  }
}

const idOf = (order: { app?: { appId: string } | undefined }): string => order.app?.appId ?? '';

function alone(desk: Desk, appId: string, work: () => Promise<void>): Promise<ActionResult> {
  if (isBusy(appId)) return Promise.resolve(RUNNING);
  return holding(appId, () => result(desk, work, appId));
}

const queued = (desk: Desk, appId: string, signal: AbortSignal, work: () => Promise<void>) =>
  afterOthers(appId, signal, () => result(desk, work, appId));

async function result(
  desk: Desk,
  work: () => Promise<void>,
  appId?: string,
): Promise<ActionResult> {
  try {
    await work();
    return DONE;
  } catch (error) {
    if (isAbort(error)) throw error;
    const { code, message, next, evidence = [] } = reasonOf(error);
    const last = evidence.at(-1);
    const shown = last === undefined ? '' : ` Its last line: ${last}`;
    const text = `${message}${shown} ${next ?? ADVICE[code].next}`;
    return { outcome: 'failed', code, message: desk.context.redactor.text(text) };
  } finally {
    if (appId !== undefined) await reportApp(desk, appId);
  }
}
