import type { Message } from '@bufbuild/protobuf';
import {
  PermissionSchema,
  ToolsetSchema,
} from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import type { Refusal } from './answer.ts';
import { requestOf, type BadArguments } from './arguments.ts';
import { everything, factsOf } from './facts.ts';
import { mayUse, type Grant } from './grant.ts';
import { nearest } from './names.ts';
import { listTools, tools, type Tool } from './tools.ts';

/** What is said of arguments that do not fit. */
export function badArguments(error: BadArguments): Refusal {
  return {
    message: error.message,
    reason: 'INVALID_ARGUMENT',
    isRetryable: false,
    next: 'Correct the argument and call the tool again; nothing was changed.',
    nearest: error.nearest,
  };
}

/** What is said of a tool that there is not, or not for this client. */
export function notListed(name: string, grant: Grant, tool: Tool | undefined): Refusal {
  if (!tool) {
    const names = listTools(grant).map((one) => one.name);
    return {
      message: `There is no tool ${name.slice(0, 60)}.`,
      reason: 'NOT_FOUND',
      isRetryable: false,
      next: 'Use one of the tools that tools/list shows.',
      nearest: nearest(name, names),
    };
  }
  const permission = PermissionSchema.value[tool.policy.permission]?.name ?? '';
  const toolset = ToolsetSchema.value[tool.policy.tool]?.name ?? '';
  return {
    message: `This token may not use ${name}: it takes ${permission} and ${toolset}.`,
    reason: 'PERMISSION_DENIED',
    isRetryable: false,
    next: 'Ask the person you work for to do it, or for a token that may.',
  };
}

/**
 * Adds the names nearest to one that nothing has, asked of the API by the call that it proposed itself; a call
 * that the client may not make is not proposed.
 */
export async function withNames(
  refusal: Refusal,
  grant: Grant,
  ask: (tool: Tool, request: Message) => Promise<Message>,
): Promise<Refusal> {
  const { call: proposed, missing, ...rest } = refusal;
  const tool = proposed && tools.get(proposed.tool);
  if (!proposed || !tool || !mayUse(tool.policy, grant)) return rest;
  const isRead = tool.listed.annotations?.readOnlyHint === true;
  if (!missing || !isRead) return { ...rest, call: proposed };
  try {
    const response = await ask(tool, requestOf(tool.method.input, proposed.arguments));
    return { ...rest, call: proposed, nearest: nearest(missing, namesIn(tool, response)) };
  } catch {
    return { ...rest, call: proposed };
  }
}

/** The names of the things that a response lists. */
function namesIn(tool: Tool, response: Message): string[] {
  const { json } = factsOf(tool.method.output, response, everything);
  const things = Object.values(json).find(Array.isArray) ?? [];
  return things.flatMap((thing) => {
    const name = typeof thing === 'object' && thing && 'name' in thing ? thing['name'] : undefined;
    return typeof name === 'string' ? [name] : [];
  });
}
