import {
  Caller as Kind,
  Hazard,
  PermissionSchema,
  type MethodPolicy,
} from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { doorMethods, mayUse } from '@serverflow/mcp';
import type { Call } from './call.ts';
import { problem, Reason } from './problems.ts';

/** Decides by the method's policy alone whether the caller may call it; throws the reason why not. */
export function permit(policy: MethodPolicy, call: Call): void {
  const caller = call.caller;
  if (policy.caller === Kind.ANYONE) return;
  if (policy.caller === Kind.AGENT)
    throw problem(Reason.WRONG_DOOR, { kind: 'api', expected: 'agent' });
  if (caller.kind === 'anyone') throw problem(Reason.NOT_SIGNED_IN);
  if (caller.kind === 'token') {
    const expected = call.door === 'mcp' ? 'mcp' : 'api';
    if (caller.tokenKind !== expected)
      throw problem(Reason.WRONG_DOOR, { kind: caller.tokenKind, expected });
    if (policy.caller === Kind.PERSON) throw problem(Reason.PERSON_REQUIRED);
    if (policy.hazard === Hazard.DESTROYS && caller.tokenKind === 'mcp')
      throw problem(Reason.DESTROYS, { method: call.method });
    if (call.door === 'mcp') permitTool(policy, call.method, caller);
  } else if (call.door === 'mcp') {
    throw problem(Reason.WRONG_DOOR, { kind: 'session', expected: 'mcp' });
  }
  if (policy.permission && !caller.permissions.has(policy.permission)) {
    throw problem(Reason.PERMISSION_DENIED, {
      permission: PermissionSchema.value[policy.permission]?.name ?? String(policy.permission),
    });
  }
}

/** An AI client calls what it was shown: the very function that lists its tools decides. */
function permitTool(
  policy: MethodPolicy,
  method: string,
  caller: Extract<Call['caller'], { kind: 'token' }>,
): void {
  if (doorMethods.includes(method.replace('/', '.'))) return;
  const grant = {
    kind: 'mcp',
    permissions: [...caller.permissions],
    toolsets: caller.toolsets,
  } as const;
  if (!mayUse(policy, grant)) throw problem(Reason.OUT_OF_SCOPE, { scope: method });
}
