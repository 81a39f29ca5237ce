import type { LogChunk } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { App } from '../apps/entity.ts';
import { Deployment } from '../deployments/entity.ts';
import type { Hearing } from '../fleet/hearing.ts';
import type { LogStore } from './store.ts';
import { logKey, logTopic } from './store.ts';

/** The longest text of a line, in characters; the contract's bound for agents is 16 KiB. */
const longestText = 16 * 1024;

/**
 * Hears lines of a log. They are stored before the report is acknowledged, and a chunk that comes again has no effect. What an agent
 * says of another server's apps, or of a deployment that is not the app's, has none either.
 */
export async function hearLog(hearing: Hearing, chunk: LogChunk, logs: LogStore): Promise<void> {
  const { em, server } = hearing;
  const first = Number(chunk.firstNumber);
  if (first < 1 || !Number.isSafeInteger(first + chunk.lines.length)) return;
  const app = await em.findOne(App, {
    id: chunk.appId,
    server: server.id,
    organization: server.organization,
  });
  if (!app) return;
  if (
    chunk.deploymentId &&
    !(await em.findOne(Deployment, { id: chunk.deploymentId, app: app.id }))
  )
    return;
  const key = logKey(app.id, chunk.deploymentId);
  const lines = chunk.lines.map((line) => ({
    timeMs: Number(line.timeMs),
    stream: line.stream,
    text: line.text.slice(0, longestText),
  }));
  logs.append(key, first, lines);
  // Also for lines that were there: the transaction before may have failed after they were stored, and nobody was woken.
  hearing.afterCommit(() => hearing.live.publish(logTopic(key)));
}
