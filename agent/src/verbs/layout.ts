import { join } from 'node:path';

/** The paths of one app on the server; nothing of an app lies outside `root`. */
export type Layout = {
  readonly root: string;
  /** A bare mirror of its repository. */
  readonly mirror: string;
  readonly releases: string;
  /** The folder of a release: its label, its sealed variables and its files. */
  readonly release: (release: number) => string;
  /** The files of a release, as they are in the commit and as the build left them. */
  readonly tree: (release: number) => string;
  /** Says that a release's folder is ours, and what it is. */
  readonly label: (release: number) => string;
  /** The variables of a release, sealed as they came. */
  readonly variables: (release: number) => string;
  /** What npm and git see as their home. */
  readonly home: string;
  readonly npmCache: string;
  /** A link to the folder of the release that serves. */
  readonly current: string;
  /** What the agent knows of the app; also the label of `root`. */
  readonly record: string;
  /** The journal of the deployment that runs or ran last. */
  readonly journal: string;
  /** The process group of a command that runs, so that one can be ended which outlived the agent. */
  readonly running: string;
};

/** An id or a release number that may become a part of a path. */
const PART = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** Says where an app lies under the folder of all apps; throws when the id could lead out of it. */
export function layout(apps: string, appId: string): Layout {
  if (!PART.test(appId)) throw new Error(`"${appId}" is no id of an app`);
  const root = join(apps, appId);
  const releases = join(root, 'releases');
  const release = (number: number) => {
    if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${number} is no release`);
    return join(releases, String(number));
  };
  return {
    root,
    releases,
    release,
    mirror: join(root, 'mirror.git'),
    tree: (number) => join(release(number), 'tree'),
    label: (number) => join(release(number), 'release.json'),
    variables: (number) => join(release(number), 'variables.json'),
    home: join(root, 'shared', 'home'),
    npmCache: join(root, 'shared', 'npm'),
    current: join(root, 'current'),
    record: join(root, 'app.json'),
    journal: join(root, 'deploy.json'),
    running: join(root, 'running.json'),
  };
}
