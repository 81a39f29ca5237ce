import Dices from '@lucide/svelte/icons/dices';
import Trash from '@lucide/svelte/icons/trash-2';
import type { Variable } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import type { Action } from '#lib/actions/action.ts';
import { variables } from '#lib/api/clients.ts';
import { m } from '#lib/paraglide/messages.js';

/** What a person can do to a variable; its value is set by the form. */
export function variableActions(app: string, { name, secret }: Variable): Action[] {
  return [
    ...(secret
      ? [
          {
            id: `generate-${name}`,
            title: m.variable_regenerate(),
            icon: Dices,
            ask: {
              title: m.variable_regenerate_title({ name }),
              touches: [m.variable_generate_hint()],
            },
            run: async () => {
              await variables.setVariables({ app, variables: [{ name, generate: true }] });
              return m.variable_set({ name });
            },
          },
        ]
      : []),
    {
      id: `delete-${name}`,
      title: m.variable_delete(),
      icon: Trash,
      destroys: true,
      ask: { title: m.variable_delete_title({ name }), touches: [m.variable_delete_touches()] },
      run: async () => {
        await variables.deleteVariables({ app, names: [name] });
        return m.variable_deleted({ name });
      },
    },
  ];
}
