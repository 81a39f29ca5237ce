import type { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { overview } from '#lib/api/clients.ts';
import { Live } from './live.svelte.ts';

type Listener = { kinds: readonly ThingKind[]; hear: () => void };

const listeners = new Set<Listener>();

/** How fresh everything is that follows the organization's changes. */
export const changesLive = new Live();

/** Opens the tab's one stream of changes; call the returned function when the person leaves. */
export function followChanges(): () => void {
  return changesLive.follow({
    open: (cursor, signal) => overview.watchChanges({ cursor }, { signal }),
    take: ({ changes, missed }) => {
      for (const listener of listeners) {
        if (missed || changes.some((change) => listener.kinds.includes(change.kind))) {
          listener.hear();
        }
      }
    },
  });
}

/** Calls hear whenever a thing of one of the kinds may have changed; returns how to stop. */
export function onChange(kinds: readonly ThingKind[], hear: () => void): () => void {
  const listener = { kinds, hear };
  listeners.add(listener);
  return () => listeners.delete(listener);
}
