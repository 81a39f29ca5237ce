import { getOption, type DescMethod } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as Idempotency } from '@bufbuild/protobuf/wkt';
import type { Tool as ListedTool } from '@modelcontextprotocol/server';
import { comments } from '@serverflow/gen/es/comments';
import {
  Hazard,
  policy as policyOf,
  Toolset,
  type MethodPolicy,
} from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { answersOnce, services, type ToolMethod } from './contract.ts';
import { mayUse, type Grant } from './grant.ts';
import { toolName } from './names.ts';
import { inputSchema, outputSchema } from './schema.ts';

/** A method of the API that is a tool. */
export interface Tool {
  name: string;
  method: ToolMethod;
  policy: MethodPolicy;
  listed: ListedTool;
}

const shown = new Map<string, string>();

/** Every tool there is, by name, in the order in which they are listed. */
export const tools: ReadonlyMap<string, Tool> = new Map(
  services
    .flatMap((service) => service.methods)
    .filter((method) => getOption(method, policyOf).tool !== Toolset.UNSPECIFIED)
    .map((method) => [toolName(method), toolOf(method)] as const),
);

/** The tools that a grant may use, as tools/list answers them, always in the same order. */
export function listTools(grant: Grant): ListedTool[] {
  return [...tools.values()]
    .filter((tool) => mayUse(tool.policy, grant))
    .map((tool) => tool.listed);
}

/** The tool of a method, by the method's full name, such as serverflow.app.v1.AppService/ListApps. */
export function toolOfMethod(fullName: string): Tool | undefined {
  return [...tools.values()].find(
    ({ method }) => `${method.parent.typeName}/${method.name}` === fullName.replace(/^\//, ''),
  );
}

/** Makes a tool of a method; throws when the method streams, because a tool answers once. */
export function toolOf(method: DescMethod): Tool {
  if (!answersOnce(method)) throw new Error(`${method.name} streams: it is no tool.`);
  const policy = getOption(method, policyOf);
  const isRead = method.idempotency === Idempotency.NO_SIDE_EFFECTS;
  return {
    name: toolName(method),
    method,
    policy,
    listed: {
      name: toolName(method),
      description: comments[`${method.parent.typeName}.${method.name}`] ?? '',
      inputSchema: inputSchema(method.input, toolName(method), shown),
      outputSchema: outputSchema(method.output),
      annotations: isRead
        ? { readOnlyHint: true }
        : {
            destructiveHint: policy.hazard === Hazard.DESTROYS,
            idempotentHint: method.idempotency === Idempotency.IDEMPOTENT,
          },
    },
  };
}
