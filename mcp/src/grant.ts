import {
  Caller,
  Hazard,
  Permission,
  Toolset,
  type MethodPolicy,
} from '@serverflow/gen/es/serverflow/options/v1/options_pb';

/** What the token of an AI client may do. */
export interface Grant {
  kind: 'mcp';
  permissions: readonly Permission[];
  toolsets: readonly Toolset[];
}

/**
 * Tells whether an MCP token may use a method as a tool: the same function lists the tools and guards
 * the calls. Methods that destroy refuse every MCP token.
 */
export function mayUse(policy: MethodPolicy, grant: Grant): boolean {
  if (policy.tool === Toolset.UNSPECIFIED || !grant.toolsets.includes(policy.tool)) return false;
  if (policy.caller !== Caller.MEMBER && policy.caller !== Caller.ANYONE) return false;
  if (policy.hazard !== Hazard.UNSPECIFIED && policy.hazard !== Hazard.CHANGES) return false;
  return (
    policy.permission === Permission.UNSPECIFIED || grant.permissions.includes(policy.permission)
  );
}

/** The methods that are no tools and that the MCP door itself calls with the client's token. */
export const doorMethods: readonly string[] = [
  'serverflow.account.v1.AccountService.GetAccount',
  'serverflow.deployment.v1.DeploymentService.WatchDeployment',
];
