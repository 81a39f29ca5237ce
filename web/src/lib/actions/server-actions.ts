import Pencil from '@lucide/svelte/icons/pencil';
import Plug from '@lucide/svelte/icons/plug';
import Radio from '@lucide/svelte/icons/radio';
import RefreshCw from '@lucide/svelte/icons/refresh-cw';
import Play from '@lucide/svelte/icons/play';
import RotateCw from '@lucide/svelte/icons/rotate-cw';
import Square from '@lucide/svelte/icons/square';
import Trash from '@lucide/svelte/icons/trash-2';
import {
  ServerState,
  ServiceAction,
  ServiceName,
  type Server,
  type ServiceStatus,
} from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { goto } from '$app/navigation';
import { servers } from '#lib/api/clients.ts';
import { duration } from '#lib/format/duration.ts';
import { m } from '#lib/paraglide/messages.js';
import type { Action } from './action.ts';
import { acting } from './acting.svelte.ts';

/** What a person can do to a server. */
export function serverActions(server: Server): Action[] {
  return [
    {
      id: 'ping',
      title: m.server_ping(),
      icon: Radio,
      blocked: offline(server),
      run: async () => {
        const { roundTripMs } = await servers.pingServer({ server: server.name });
        return m.server_ping_answer({ server: server.name, time: duration(roundTripMs) });
      },
    },
    {
      id: 'rename',
      title: m.rename(),
      icon: Pencil,
      ask: {
        title: m.server_rename_title({ server: server.name }),
        touches: [m.server_rename_touches()],
        input: { label: m.name(), value: server.name, hint: m.name_hint() },
      },
      run: async () => {
        await servers.updateServer({ server: server.name, name: acting.input.trim() });
        await goto(`/servers/${acting.input.trim()}`);
      },
    },
    {
      id: 'reconnect',
      title: m.server_reconnect(),
      icon: Plug,
      run: () => goto(`/servers/new?name=${server.name}`),
    },
    {
      id: 'delete',
      title: m.server_forget(),
      icon: Trash,
      destroys: true,
      blocked:
        server.appCount > 0 ? m.server_forget_blocked({ count: server.appCount }) : undefined,
      ask: {
        title: m.server_forget_title({ server: server.name }),
        touches: [m.server_forget_touches(), m.server_forget_keeps()],
        typed: server.name,
      },
      run: async () => {
        await servers.deleteServer({ server: server.name });
        await goto('/servers');
        return m.server_forgotten({ server: server.name });
      },
    },
  ];
}

/** What a person can do to one service of a server. */
export function serviceActions(server: Server, service: ServiceStatus): Action[] {
  const name = serviceTitle(service.name);
  const control = (
    action: ServiceAction,
    id: string,
    title: string,
    icon: Action['icon'],
  ): Action => ({
    id: `${service.name}-${id}`,
    title,
    icon,
    blocked: offline(server),
    run: async () => {
      await servers.controlService({ server: server.name, service: service.name, action });
      return m.service_done({ service: name, action: title });
    },
  });
  const stop = control(ServiceAction.STOP, 'stop', m.stop(), Square);
  return service.running
    ? [
        control(ServiceAction.RELOAD, 'reload', m.reload(), RefreshCw),
        control(ServiceAction.RESTART, 'restart', m.restart(), RotateCw),
        {
          ...stop,
          ask: {
            title: m.service_stop_title({ service: name, server: server.name }),
            touches: [m.service_stop_touches({ count: server.appCount })],
          },
        },
      ]
    : [control(ServiceAction.START, 'start', m.start(), Play)];
}

/** What a service is called. */
export function serviceTitle(name: ServiceName): string {
  return name === ServiceName.PM2 ? 'PM2' : m.service_front();
}

function offline(server: Server): string | undefined {
  return server.state === ServerState.ONLINE ? undefined : m.server_not_online();
}
