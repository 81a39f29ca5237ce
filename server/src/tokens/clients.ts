import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { organizationOf, type Call } from '../guard/call.ts';
import { changesTopic } from '../live.ts';
import { newId } from '../store/ids.ts';
import { Client } from './entity.ts';

/** Notes that an AI client called a tool; its first call makes its row. The client header is "name/version". */
export async function seenClient(call: Call, tool: string): Promise<void> {
  if (call.caller.kind !== 'token') return;
  const [name = '', ...rest] = (call.client || 'unknown').split('/');
  const key = {
    token: call.caller.token,
    name: name.slice(0, 100),
    version: rest.join('/').slice(0, 60),
  };
  const organization = organizationOf(call);
  const now = new Date();
  const id = await call.store.tenant(organization).transactional(async (tx) => {
    const known = await tx.findOne(Client, key);
    const row =
      known ??
      tx.create(Client, {
        id: newId('cli'),
        organization,
        ...key,
        firstSeenAt: now,
        lastSeenAt: now,
        callCount: 0,
        lastTool: '',
      });
    row.lastSeenAt = now;
    row.callCount += 1;
    row.lastTool = tool;
    return row.id;
  });
  call.live.publish(changesTopic(organization), {
    organization,
    kind: ThingKind.TOKEN,
    id,
    name: key.name,
  });
}
