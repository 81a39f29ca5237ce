import Play from '@lucide/svelte/icons/play';
import Rocket from '@lucide/svelte/icons/rocket';
import RotateCw from '@lucide/svelte/icons/rotate-cw';
import Square from '@lucide/svelte/icons/square';
import Trash from '@lucide/svelte/icons/trash-2';
import Undo from '@lucide/svelte/icons/undo-2';
import { AppAction, AppState, type App } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { goto } from '$app/navigation';
import { apps, deployments } from '#lib/api/clients.ts';
import { m } from '#lib/paraglide/messages.js';
import type { Action } from './action.ts';

/** What a person can do to an app, the most frequent first. */
export function appActions(app: App): Action[] {
  const never = app.servingRelease === 0 && app.state === AppState.NEW;
  const blocked = never ? m.app_never_deployed() : undefined;
  const control = async (action: AppAction) => {
    await apps.controlApp({ app: app.name, action });
  };
  return [
    { id: 'deploy', title: m.app_deploy(), icon: Rocket, run: () => deploy(app.name) },
    {
      id: 'restart',
      title: m.restart(),
      icon: RotateCw,
      blocked: blocked ?? (app.state === AppState.STOPPED ? m.app_is_stopped() : undefined),
      run: async () => {
        await control(AppAction.RESTART);
        return m.app_restarted({ app: app.name });
      },
    },
    app.state === AppState.STOPPED || app.state === AppState.DOWN
      ? {
          id: 'start',
          title: m.start(),
          icon: Play,
          blocked,
          run: async () => {
            await control(AppAction.START);
            return m.app_started({ app: app.name });
          },
        }
      : {
          id: 'stop',
          title: m.stop(),
          icon: Square,
          blocked,
          ask: {
            title: m.app_stop_title({ app: app.name }),
            touches: [m.app_stop_touches(), ...app.urls],
          },
          run: async () => {
            await control(AppAction.STOP);
            return m.app_stopped({ app: app.name });
          },
        },
    rollBack(app.name, 0, blocked),
    {
      id: 'delete',
      title: m.app_delete(),
      icon: Trash,
      destroys: true,
      ask: {
        title: m.app_delete_title({ app: app.name }),
        touches: [m.app_delete_touches({ server: app.server }), ...app.urls],
        typed: app.name,
      },
      run: async () => {
        await apps.deleteApp({ app: app.name });
        await goto('/apps');
        return m.app_deleted({ app: app.name });
      },
    },
  ];
}

/** Goes back to a kept release; 0 means the one before the one that serves. It says what it does not undo. */
export function rollBack(app: string, release: number, blocked?: string): Action {
  return {
    id: `roll-back-${release}`,
    title: release ? m.app_roll_back_to({ release }) : m.app_roll_back(),
    icon: Undo,
    blocked,
    ask: {
      title: release ? m.app_roll_back_to_title({ app, release }) : m.app_roll_back_title({ app }),
      touches: [m.app_roll_back_touches(), m.app_roll_back_keeps()],
    },
    run: async () => {
      const { deployment } = await deployments.rollBackApp({ app, release });
      await goto(`/apps/${app}/deployments/${deployment?.number ?? ''}`);
    },
  };
}

/** Deploys an app's own ref and goes to the deployment that has begun. */
export async function deploy(app: string, ref = '', reason = ''): Promise<void> {
  const { deployment } = await deployments.createDeployment({ app, ref, reason });
  await goto(`/apps/${app}/deployments/${deployment?.number ?? ''}`);
}
