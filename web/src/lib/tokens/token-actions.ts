import Ban from '@lucide/svelte/icons/ban';
import type { Token } from '@serverflow/gen/es/serverflow/access/v1/token_pb';
import type { Action } from '#lib/actions/action.ts';
import { tokens } from '#lib/api/clients.ts';
import { m } from '#lib/paraglide/messages.js';

/** Revokes a token: it and its open streams end within two seconds. */
export function revokeToken(token: Token): Action {
  return {
    id: `revoke-${token.id}`,
    title: m.token_revoke(),
    icon: Ban,
    destroys: true,
    ask: { title: m.token_revoke_title({ name: token.name }), touches: [m.token_revoke_touches()] },
    run: async () => {
      await tokens.revokeToken({ token: token.id });
      return m.token_revoked_said({ name: token.name });
    },
  };
}
