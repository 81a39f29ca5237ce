import { writeFileSync } from 'node:fs';
import type { EntityManager } from '@mikro-orm/sql';
import type { Parts } from '../parts.ts';
import { invite } from '../servers/servers.ts';

/** The name of the server that is the control plane's own machine. */
const local = 'local';

/** Writes an enrolment token for this machine's own agent where SERVERFLOW_WRITE_ENROLLMENT asks for it; the agent enrols with it by the ordinary ceremony. */
export async function writeInvitation(
  tx: EntityManager,
  organization: string,
  { config, pin }: Pick<Parts, 'config' | 'pin'>,
): Promise<void> {
  if (!config.writeEnrollment) return;
  const { token } = await invite(tx, organization, local, pin);
  await tx.flush();
  writeFileSync(config.writeEnrollment, `${token}\n`, { mode: 0o600 });
}
