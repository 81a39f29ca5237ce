import { lookup } from 'node:dns/promises';
import { statfsSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Settings as AgentSettings } from '../config.ts';
import type { Policy } from '../policy.ts';
import { isPrivate } from '../repository.ts';
import type { Ended } from '../verbs/verb.ts';
import type { Deployment } from './deployment.ts';
import { fail, lastLines, saysDiskFull } from './failure.ts';

/** Below this much free space a deployment does not begin, in bytes: a small app with its packages needs as much. */
const FREE_BYTES = 256 * 1024 * 1024;

/** How much of the first line of a commit's message is told, in characters. */
const MESSAGE_LENGTH = 200;

/** Gets the commit that a ref stands for and lays its files out as the new release; the folder is labelled already. */
export async function fetch(
  deployment: Deployment,
  ref: string,
  say: (detail: string) => void,
): Promise<void> {
  const { context, execute, app, log, signal } = deployment;
  const { appId, repository } = app;
  refuseFullDisk(context.settings.apps);
  const source = sourceOf(repository, context.settings, context.policy);
  const pinned = await pin(source.address, context.settings, context.policy);
  log.line('system', `Fetching ${ref === '' ? 'the default branch' : ref} from ${repository}`);
  const fetched = await execute(
    { verb: 'fetch repository', appId, ref, pinned, ...source },
    { signal, onLine: log.line },
  );
  if (!fetched.isDone) explain(fetched, repository, ref);
  const found = await execute({ verb: 'resolve ref', appId, ref });
  if (found === undefined) {
    const what = ref === '' ? 'default branch' : `branch, tag or commit "${ref}"`;
    fail('REF_NOT_FOUND', `${repository} has no ${what}.`);
  }
  await deployment.note({
    commit: found.commit,
    commitMessage: found.message.slice(0, MESSAGE_LENGTH),
  });
  const { release } = deployment.journal();
  const unpacked = await execute({ verb: 'unpack commit', appId, release, commit: found.commit });
  if (!unpacked.isDone) explain(unpacked, repository, ref);
  log.line('system', `Commit ${found.commit}: ${found.message}`);
  say(`${ref === '' ? 'default branch' : ref} at ${found.commit.slice(0, 12)}`);
}

/** Where a repository's address leads, and whether plain http may be spoken there: to the control plane itself, and to hosts that the policy lists. */
export function sourceOf(
  repository: string,
  settings: Pick<AgentSettings, 'controlPlane'>,
  policy: Pick<Policy, 'repositoryHosts'>,
): { address: string; isHttpAllowed: boolean } {
  const example = /^example:([a-z0-9][a-z0-9-]{0,62})$/.exec(repository)?.[1];
  if (example !== undefined) {
    const { controlPlane } = settings;
    return {
      address: new URL(`/examples/${example}.git`, controlPlane).href,
      isHttpAllowed: controlPlane.protocol === 'http:',
    };
  }
  const url = URL.parse(repository);
  const isHttp = url?.protocol === 'http:';
  if (url === null || !(isHttp || url.protocol === 'https:'))
    fail('REPOSITORY_DENIED', `"${repository}" is not an https address.`, {
      cause: 'This server has no key with which it could fetch in another way.',
      next: "Set the app's repository to its https address, then deploy again.",
    });
  const isHttpAllowed = isHttp && policy.repositoryHosts.includes(url.hostname.toLowerCase());
  if (isHttp && !isHttpAllowed) {
    fail('REPOSITORY_DENIED', `${url.hostname} may not be fetched from over plain http.`, {
      cause: "The server's own policy lists no such host.",
      next: `Use https, or list ${url.hostname} under repository_hosts in the server's policy.toml.`,
    });
  }
  return { address: repository, isHttpAllowed };
}

/**
 * Looks a host up once and holds git to what was found, so that a name which led to a public address
 * when it was checked cannot lead into a private network when it is fetched. Listed hosts are free.
 */
export async function pin(
  address: string,
  { controlPlane }: Pick<AgentSettings, 'controlPlane'>,
  { repositoryHosts }: Pick<Policy, 'repositoryHosts'>,
): Promise<string[]> {
  const { hostname, port, protocol, origin } = new URL(address);
  const isListed = repositoryHosts.includes(hostname.toLowerCase());
  if (isListed || origin === controlPlane.origin) return [];
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) {
    if (isPrivate(hostname.replace(/^\[|\]$/g, ''))) refusePrivate(hostname);
    return [];
  }
  const found = await lookup(hostname, { all: true }).catch(() => []);
  if (found.some((each) => isPrivate(each.address))) refusePrivate(hostname);
  if (found.length === 0) return [];
  const number = port || (protocol === 'https:' ? '443' : '80');
  const addresses = found.map((each) => (each.family === 6 ? `[${each.address}]` : each.address));
  return [`${hostname}:${number}:${addresses.join(',')}`];
}

const refusePrivate = (hostname: string): never =>
  fail('REPOSITORY_DENIED', `${hostname} leads into a private network.`, {
    cause: "The server's own policy does not list this host.",
    next: `List ${hostname} under repository_hosts in the server's policy.toml, if that is meant.`,
  });

/** Turns what git said into a reason. */
export function explain(ended: Ended, repository: string, ref: string): never {
  const { output } = ended;
  const more = { evidence: lastLines(output) };
  if (saysDiskFull(output)) fail('DISK_FULL', 'There is no space left for the files.', more);
  if (/couldn't find remote ref|not our ref|remote ref does not exist/i.test(output))
    fail('REF_NOT_FOUND', `${repository} has no ${ref === '' ? 'default branch' : ref}.`, more);
  if (/returned error: 30\d|redirection/i.test(output)) {
    fail('REPOSITORY_UNREACHABLE', `${repository} leads to another address.`, {
      ...more,
      cause: 'The repository was renamed or moved; redirects are not followed.',
      next: "Set the app's repository to the new address, then deploy again.",
    });
  }
  if (
    /could not read Username|Authentication failed|returned error: 40[134]|not found|access denied/i.test(
      output,
    )
  )
    fail('REPOSITORY_DENIED', `${repository} was not found, or may not be read.`, more);
  const slow = ended.isTimedOut ? 'took too long to answer' : 'could not be fetched from';
  fail('REPOSITORY_UNREACHABLE', `${repository} ${slow}.`, more);
}

function refuseFullDisk(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= FREE_BYTES) return;
  const megabytes = Math.round(free / 1024 / 1024);
  fail('DISK_FULL', `Only ${megabytes} MB are free on the disk; a deployment needs 256 MB.`);
}
