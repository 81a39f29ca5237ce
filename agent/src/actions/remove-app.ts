import type { RemoveApp } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import type { Desk } from './deployment.ts';
import { readRecord, writeRecord } from './record.ts';

/** Removes an app: out of the front first, then its processes, then what lies on disk. Nothing happens when it is not known here. */
export async function removeApp(desk: Desk, { appId }: RemoveApp): Promise<void> {
  const { context, execute, machine } = desk;
  const record = readRecord(context.settings.apps, appId);
  await execute({ verb: 'remove site', appId });
  if (record !== undefined) await writeRecord(execute, { ...record, serving: null });
  for (const run of await machine.engine.list()) {
    if (run.appId !== appId) continue;
    const { release, instance } = run;
    await execute({ verb: 'stop process', appId, release, instance });
  }
  if (record === undefined) return;
  await execute({ verb: 'end leftovers', appId });
  await execute({ verb: 'remove app', appId });
}
