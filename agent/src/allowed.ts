import type { Order } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { Complaint } from './complaint.ts';
import type { ActionKind, Policy } from './policy.ts';

type Case = NonNullable<Order['action']>['$case'];

/** The name of each kind of order in policy.toml; asking for a receipt changes nothing and is always allowed. */
const KINDS: Readonly<Record<Exclude<Case, 'ping'>, ActionKind>> = {
  deploy: 'deploy',
  rollBack: 'roll_back',
  controlApp: 'control_app',
  removeApp: 'remove_app',
  addDomain: 'add_domain',
  removeDomain: 'remove_domain',
  controlService: 'control_service',
};

/** Holds an order against the server's own policy; throws a Complaint POLICY_REFUSED. Repository hosts are checked with the arguments. */
export function checkAllowed({ action }: Order, policy: Policy): void {
  if (action === undefined || action.$case === 'ping') return;
  if (policy.broken !== undefined) {
    throw refused(
      `policy.toml cannot be read, so nothing is changed (${policy.broken}); correct it and restart the agent`,
    );
  }
  if (policy.readOnly)
    throw refused('it is read-only; its administrator can change read_only in policy.toml');
  const kind = KINDS[action.$case];
  if (policy.refusedActions.includes(kind)) {
    throw refused(
      `it refuses ${kind}; its administrator can change refused_actions in policy.toml`,
    );
  }
  for (const hostname of hostnamesOf(action)) {
    if (!isUnder(hostname, policy.domainSuffixes)) {
      throw refused(
        `it does not serve ${hostname}; its administrator can add an ending to domain_suffixes in policy.toml`,
      );
    }
  }
}

function hostnamesOf(action: NonNullable<Order['action']>): readonly string[] {
  if (action.$case === 'addDomain') return [action.value.hostname];
  if (action.$case === 'deploy' || action.$case === 'rollBack')
    return action.value.app?.domains ?? [];
  return [];
}

function isUnder(hostname: string, suffixes: readonly string[]): boolean {
  const bare = suffixes.map((suffix) => suffix.replace(/^\./, ''));
  return (
    bare.length === 0 ||
    bare.some((suffix) => hostname === suffix || hostname.endsWith(`.${suffix}`))
  );
}

const refused = (why: string): Complaint =>
  new Complaint('POLICY_REFUSED', `The policy of the server refused this: ${why}.`);
