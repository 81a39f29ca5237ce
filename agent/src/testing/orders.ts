import { sealOrder, type SigningKey } from '@serverflow/agent/envelope';
import type { Signed } from '@serverflow/gen/grpc/serverflow/agent/v1/envelope';
import { Order, type AppSpec } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { TENANT } from './controller.ts';
import { newOrderId, signedMessage } from './messages.ts';

export type Action = NonNullable<Order['action']>;

/** A good app. */
export const APP: AppSpec = {
  appId: 'app_1',
  name: 'shop',
  kind: 0,
  repository: 'https://127.0.0.1/shop.git',
  directory: '',
  settings: {
    buildScript: '',
    startScript: '',
    outputDirectory: '',
    healthPath: '/',
    healthIntervalMs: 1000,
    healthTimeoutMs: 5000,
    healthPasses: 3,
    healthDeadlineMs: 60_000,
    bakeMs: 60_000,
    drainMs: 30_000,
    keepReleases: 5,
    buildTimeoutMs: 900_000,
  },
  domains: [],
};

/** A good deploy. */
export const deployOf = (app: Partial<AppSpec> = {}, ref = ''): Action => ({
  $case: 'deploy',
  value: {
    app: { ...APP, ...app },
    deploymentId: 'dep_1',
    release: 1,
    ref,
    variables: [],
    variablesVersion: 1,
  },
});

export const PING: Action = { $case: 'ping', value: {} };
export const STOP: Action = { $case: 'controlApp', value: { appId: 'app_1', action: 2 } };

/** Where an order belongs. */
export type Place = {
  readonly sessionId: Uint8Array;
  readonly agentId: string;
  readonly sequence: number;
  readonly keySetVersion: number;
};

/** A good order for a place; every field can be made bad. */
export function orderFor(
  place: Place,
  action: Action | undefined,
  changes: Partial<Order> = {},
): Order {
  const now = BigInt(Date.now());
  return {
    agentId: place.agentId,
    tenantId: TENANT,
    sessionId: Buffer.from(place.sessionId),
    sequence: BigInt(place.sequence),
    orderId: newOrderId(),
    issuedAtMs: now,
    expiresAtMs: now + 60_000n,
    keySetVersion: place.keySetVersion,
    actor: { person: 'owner@example.com', client: '', tokenId: '' },
    action,
    ...changes,
  };
}

/** Signs an order as the control plane does. */
export const signOrder = (order: Order, key: SigningKey): Signed =>
  signedMessage(sealOrder(Order.encode(order).finish(), key));
