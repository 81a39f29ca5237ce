import type { ResourceLink } from '@modelcontextprotocol/server';

/** A link to the log of an app or, with a number, of one of its deployments. */
export function logLink(app: string, number: number): ResourceLink {
  return {
    type: 'resource_link',
    uri: `serverflow://apps/${app}${number > 0 ? `/deployments/${number}` : ''}/log`,
    name: number > 0 ? `Log of deployment ${number} of ${app}` : `Log of ${app}`,
    mimeType: 'text/plain',
  };
}

/** Reads such a link; undefined when it is none. Number 0 means the app's own log. */
export function readLogLink(uri: string): { app: string; number: number } | undefined {
  const [, app, number] = address.exec(uri) ?? [];
  return app === undefined ? undefined : { app, number: Number(number ?? 0) };
}

const address = /^serverflow:\/\/apps\/([a-z0-9_-]{1,64})(?:\/deployments\/([1-9]\d{0,8}))?\/log$/i;
