import {
  ServiceAction,
  ServiceName,
  type ControlService,
} from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import type { Desk } from './deployment.ts';

const SERVICES = {
  [ServiceName.SERVICE_NAME_FRONT]: 'front',
  [ServiceName.SERVICE_NAME_PM2]: 'pm2',
} as const;
const ACTIONS = {
  [ServiceAction.SERVICE_ACTION_START]: 'start',
  [ServiceAction.SERVICE_ACTION_STOP]: 'stop',
  [ServiceAction.SERVICE_ACTION_RESTART]: 'restart',
  [ServiceAction.SERVICE_ACTION_RELOAD]: 'reload',
} as const;

/** Starts, stops, restarts or reloads the front or PM2. */
export async function controlService({ execute }: Desk, order: ControlService): Promise<void> {
  const service = Object.hasOwn(SERVICES, order.service)
    ? SERVICES[order.service as keyof typeof SERVICES]
    : undefined;
  const action = Object.hasOwn(ACTIONS, order.action)
    ? ACTIONS[order.action as keyof typeof ACTIONS]
    : undefined;
  if (service === undefined || action === undefined)
    throw new Error('the order names no known service or action');
  await execute({ verb: 'control service', service, action });
}
