import { writeFileSync } from 'node:fs';
import { TokenKind } from '@serverflow/gen/es/serverflow/access/v1/token_pb';
import type { Parts } from '../parts.ts';
import { writeInvitation } from './invitation.ts';
import type { Store } from '../store/store.ts';
import { createToken, firstGrant } from '../tokens/tokens.ts';
import { createFirstPerson, setupRequired } from './accounts.ts';
import { hashPassword } from './password.ts';

/**
 * Makes the first person from SERVERFLOW_ADMIN_EMAIL and its password, once, and writes the tokens that
 * SERVERFLOW_WRITE_OWNER_TOKEN and SERVERFLOW_WRITE_MCP_TOKEN ask for (files of mode 0600, made before the rows are kept).
 */
export async function setUpUnattended(store: Store, parts: Parts): Promise<boolean> {
  const { config } = parts;
  if (!config.admin || !(await setupRequired(store.all()))) return false;
  const passwordHash = await hashPassword(config.admin.password);
  const { email } = config.admin;
  await store.all().transactional(async (tx) => {
    const { user, organization } = await createFirstPerson(tx, {
      email,
      passwordHash,
      displayName: '',
      organizationName: '',
    });
    const write = (path: string | undefined, name: string, kind: TokenKind) => {
      if (!path) return;
      const { secret } = createToken(tx, organization.id, user.id, firstGrant(name, kind));
      writeFileSync(path, `${secret}\n`, { mode: 0o600 });
    };
    write(config.writeOwnerToken, 'owner', TokenKind.API);
    await writeInvitation(tx, organization.id, parts);
    write(config.writeMcpToken, 'ai client', TokenKind.MCP);
  });
  return true;
}
