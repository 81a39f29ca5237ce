import type { Transport } from '@connectrpc/connect';
import {
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  type ResourceTemplateType,
} from '@modelcontextprotocol/server';
import { callTool } from './call.ts';
import type { Grant } from './grant.ts';
import { readLogLink } from './log-link.ts';

/** The logs as resources, read with the same right and within the same bounds as by search_logs. */
export const logTemplates: readonly ResourceTemplateType[] = [
  {
    uriTemplate: 'serverflow://apps/{app}/log',
    name: 'app_log',
    title: 'Log of an app',
    mimeType: 'text/plain',
  },
  {
    uriTemplate: 'serverflow://apps/{app}/deployments/{number}/log',
    name: 'deployment_log',
    title: 'Log of a deployment',
    mimeType: 'text/plain',
  },
];

/** Reads the last lines of a log; throws a protocol error when there is none for this caller. */
export async function readLog(
  uri: string,
  grant: Grant,
  transport: Transport,
  signal: AbortSignal,
): Promise<ReadResourceResult> {
  const log = readLogLink(uri);
  if (!log) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `There is no resource ${uri.slice(0, 100)}; there are serverflow://apps/{app}/log and ` +
        'serverflow://apps/{app}/deployments/{number}/log.',
    );
  }
  const { result } = await callTool({
    name: 'search_logs',
    arguments: { app: log.app, deployment: log.number },
    grant,
    transport,
    signal,
    deadlineMs: 30_000,
  });
  const text = result.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
  if (result.isError) throw new ProtocolError(ProtocolErrorCode.InvalidParams, text);
  return { contents: [{ uri, mimeType: 'text/plain', text }] };
}
