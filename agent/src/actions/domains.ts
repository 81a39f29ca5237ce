import type { AddDomain, RemoveDomain } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import type { Desk } from './deployment.ts';
import { fail } from './failure.ts';
import { readRecord, readRecords, writeRecord, type AppRecord } from './record.ts';
import { applyRecord } from './site.ts';

/** Serves an app under one more host name; nothing changes when it is served under it already. */
export async function addDomain(desk: Desk, { appId, hostname }: AddDomain): Promise<void> {
  const record = find(desk, appId);
  const { apps } = desk.context.settings;
  const other = readRecords(apps).find(
    (each) => each.appId !== appId && each.domains.includes(hostname),
  );
  if (other !== undefined)
    fail('NAME_TAKEN', `${hostname} already belongs to the app ${other.name} of this server.`);
  await change(desk, record, [...new Set([...record.domains, hostname])].sort());
}

/** Serves an app under a host name no longer; nothing changes when it was not served under it. */
export async function removeDomain(desk: Desk, { appId, hostname }: RemoveDomain): Promise<void> {
  const record = find(desk, appId);
  await change(
    desk,
    record,
    record.domains.filter((domain) => domain !== hostname),
  );
}

async function change(desk: Desk, record: AppRecord, domains: readonly string[]): Promise<void> {
  const changed = { ...record, domains };
  await writeRecord(desk.execute, changed);
  try {
    await applyRecord(desk, changed);
  } catch (error) {
    await writeRecord(desk.execute, record);
    throw error;
  }
}

function find(desk: Desk, appId: string): AppRecord {
  const record = readRecord(desk.context.settings.apps, appId);
  if (record === undefined)
    fail('NO_RELEASE', 'This app was never deployed on this server.', {
      next: 'Deploy it first; it then answers under all its domains.',
    });
  return record;
}
