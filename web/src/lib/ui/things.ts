import Box from '@lucide/svelte/icons/box';
import Building from '@lucide/svelte/icons/building-2';
import Folder from '@lucide/svelte/icons/folder';
import Globe from '@lucide/svelte/icons/globe';
import Key from '@lucide/svelte/icons/key-round';
import Rocket from '@lucide/svelte/icons/rocket';
import ServerIcon from '@lucide/svelte/icons/server';
import Variable from '@lucide/svelte/icons/variable';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import type { Component } from 'svelte';

/** The page of a thing by its kind and name, such as shop#42 for a deployment; undefined when it has none. */
export function thingHref(kind: ThingKind, name: string): string | undefined {
  const [app, number] = name.split('#');
  if (kind === ThingKind.SERVER) return `/servers/${name}`;
  if (kind === ThingKind.APP) return `/apps/${name}`;
  if (kind === ThingKind.DEPLOYMENT) return `/apps/${app}/deployments/${number ?? ''}`;
  if (kind === ThingKind.VARIABLES) return `/apps/${app}/config`;
  if (kind === ThingKind.PROJECT) return '/settings/projects';
  if (kind === ThingKind.TOKEN) return '/settings/tokens';
  if (kind === ThingKind.ORGANIZATION) return '/settings';
  return undefined;
}

/** The page of a resource as the activity names it, such as app/shop; undefined when it has none. */
export function resourceHref(resource: string): string | undefined {
  const [kind, ...rest] = resource.split('/');
  const name = rest.join('/');
  const kinds: Record<string, ThingKind> = {
    server: ThingKind.SERVER,
    app: ThingKind.APP,
    deployment: ThingKind.DEPLOYMENT,
    project: ThingKind.PROJECT,
    token: ThingKind.TOKEN,
  };
  const known = kinds[kind ?? ''];
  return known && name ? thingHref(known, name) : undefined;
}

const icons: Partial<Record<ThingKind, Component>> = {
  [ThingKind.SERVER]: ServerIcon,
  [ThingKind.DEPLOYMENT]: Rocket,
  [ThingKind.DOMAIN]: Globe,
  [ThingKind.PROJECT]: Folder,
  [ThingKind.TOKEN]: Key,
  [ThingKind.VARIABLES]: Variable,
  [ThingKind.ORGANIZATION]: Building,
};

/** The icon of a kind of thing. */
export function thingIcon(kind: ThingKind): Component {
  return icons[kind] ?? Box;
}
