import { create, type JsonObject, type Message } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import type { CallToolResult } from '@modelcontextprotocol/server';
import {
  DeploymentService,
  type WaitDeploymentResponse,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import { answerOf, refusalOf, sizeOf, type Refusal } from './answer.ts';
import { BadArguments, requestOf } from './arguments.ts';
import { mayUse, type Grant } from './grant.ts';
import { nextStep } from './next-step.ts';
import { refusalOfError } from './problem.ts';
import { boundWait, followSteps, makeStepTeller, type Say } from './progress.ts';
import { badArguments, notListed, withNames } from './refusals.ts';
import { tools, type Tool } from './tools.ts';

/** One call of a tool by a client. */
export interface ToolCall {
  name: string;
  arguments: unknown;
  grant: Grant;
  /** The API, called as the client's token. */
  transport: Transport;
  signal: AbortSignal;
  /** The longest the call may take, in milliseconds; at most 45,000. */
  deadlineMs: number;
  /** Tells the client of progress; absent when it did not ask. */
  say?: Say;
}

/** How a call ended, for the log: the reason is "" when it succeeded. */
export interface ToolOutcome {
  result: CallToolResult;
  reason: string;
}

/** Calls a tool. Whatever goes wrong becomes a result that says what to do; it never rejects. */
export async function callTool(call: ToolCall): Promise<ToolOutcome> {
  try {
    const tool = tools.get(call.name);
    if (!tool || !mayUse(tool.policy, call.grant))
      return refused(notListed(call.name, call.grant, tool));
    const args = (call.arguments ?? {}) as JsonObject;
    const request = withRequestId(tool, requestOf(tool.method.input, args));
    const response = await ask(tool, request, call);
    const next = nextStep(response, args, (name) => mayCall(name, call.grant));
    return { result: answerOf(tool.method.output, response, next), reason: '' };
  } catch (error) {
    if (error instanceof BadArguments) return refused(badArguments(error));
    const ask = (tool: Tool, request: Message) => send(tool, request, call);
    return refused(await withNames(refusalOfError(error), call.grant, ask));
  }
}

async function ask(tool: Tool, request: Message, call: ToolCall): Promise<Message> {
  if (tool.method === DeploymentService.method.waitDeployment) return wait(tool, request, call);
  return askWithinSize(tool, request, call);
}

/** Waits, and tells the steps meanwhile when the client asked for progress. */
async function wait(tool: Tool, request: Message, call: ToolCall): Promise<Message> {
  const bounded = boundWait(request, call.deadlineMs);
  if (!call.say) return send(tool, bounded, call);
  const teller = makeStepTeller(call.say);
  const end = new AbortController();
  const signal = AbortSignal.any([call.signal, end.signal]);
  const progress = followSteps(call.transport, bounded, signal, teller);
  try {
    const response = await send(tool, bounded, call);
    const { deployment } = response as WaitDeploymentResponse;
    if (deployment) await teller.tell(deployment);
    return response;
  } finally {
    end.abort();
    await progress;
  }
}

/**
 * Asks for a page and, when it does not fit, for a shorter one, so that the cursor in the answer continues
 * where the answer ends.
 */
async function askWithinSize(tool: Tool, request: Message, call: ToolCall): Promise<Message> {
  let response = await send(tool, request, call);
  const count = tool.method.input.fields.find(
    ({ name }) => name === 'page_size' || name === 'limit',
  )?.localName;
  const list = tool.method.output.fields.find(({ fieldKind }) => fieldKind === 'list')?.localName;
  if (count === undefined || list === undefined) return response;
  for (let round = 0; round < 3; round++) {
    const { bytes, limit } = sizeOf(tool.method.output, response);
    const items = (response as unknown as Record<string, unknown[]>)[list]?.length ?? 0;
    if (bytes <= limit || items <= 1) break;
    const fewer = Math.max(1, Math.min(items - 1, Math.floor((items * limit * 0.9) / bytes)));
    response = await send(tool, { ...request, [count]: fewer }, call);
  }
  return response;
}

async function send(tool: Tool, request: Message, call: ToolCall): Promise<Message> {
  const { message } = await call.transport.unary(
    tool.method,
    call.signal,
    call.deadlineMs,
    undefined,
    request,
  );
  return message;
}

/** A mutation without an id of the caller's gets one, so that a retry below us never does it twice. */
function withRequestId(tool: Tool, request: Message): Message {
  const field = tool.method.input.field['requestId'];
  if (!field || (request as unknown as { requestId: string }).requestId !== '') return request;
  return create(tool.method.input, { ...request, requestId: crypto.randomUUID() });
}

function mayCall(name: string, grant: Grant): boolean {
  const tool = tools.get(name);
  return tool !== undefined && mayUse(tool.policy, grant);
}

function refused(refusal: Refusal): ToolOutcome {
  return { result: refusalOf(refusal), reason: refusal.reason };
}
