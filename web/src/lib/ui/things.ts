import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';

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
