import type { RunSpec, ServiceControl } from '../engines/engine.ts';
import type { Site } from '../fronts/front.ts';

/** A file of an app that the agent itself writes. */
export type AppFile =
  | { readonly file: 'record' | 'journal' }
  | { readonly file: 'label' | 'variables'; readonly release: number };

/**
 * Everything that an action can have done to the machine. The union is closed: what is not in it
 * cannot be done, whoever orders it. Apps and releases are named by id and number, never by path.
 */
export type Verb =
  | { readonly verb: 'make app'; readonly appId: string }
  | {
      readonly verb: 'fetch repository';
      readonly appId: string;
      readonly address: string;
      readonly ref: string;
      readonly isHttpAllowed: boolean;
      readonly pinned: readonly string[];
    }
  | { readonly verb: 'resolve ref'; readonly appId: string; readonly ref: string }
  | {
      readonly verb: 'unpack commit';
      readonly appId: string;
      readonly release: number;
      readonly commit: string;
    }
  | {
      readonly verb: 'install packages';
      readonly appId: string;
      readonly release: number;
      readonly directory: string;
      readonly isLocked: boolean;
      readonly timeoutMs: number;
    }
  | {
      readonly verb: 'run script';
      readonly appId: string;
      readonly release: number;
      readonly directory: string;
      readonly script: string;
      readonly variables: Readonly<Record<string, string>>;
      readonly timeoutMs: number;
    }
  | { readonly verb: 'end leftovers'; readonly appId: string }
  | { readonly verb: 'start process'; readonly spec: RunSpec }
  | {
      readonly verb: 'stop process';
      readonly appId: string;
      readonly release: number;
      readonly instance: number;
    }
  | { readonly verb: 'ensure front' }
  | { readonly verb: 'apply site'; readonly site: Site }
  | { readonly verb: 'remove site'; readonly appId: string }
  | {
      readonly verb: 'write file';
      readonly appId: string;
      readonly at: AppFile;
      readonly content: string;
    }
  | { readonly verb: 'link current'; readonly appId: string; readonly release: number }
  | { readonly verb: 'remove release'; readonly appId: string; readonly release: number }
  | { readonly verb: 'remove app'; readonly appId: string }
  | {
      readonly verb: 'control service';
      readonly service: 'front' | 'pm2';
      readonly action: ServiceControl;
    };

/** How a command that a verb ran has ended. */
export type Ended = {
  /** Whether it ended with exit code 0. */
  readonly isDone: boolean;
  readonly code: number | null;
  readonly isTimedOut: boolean;
  /** The end of what it said, both streams, unredacted. */
  readonly output: string;
};

/** A commit, by its full id and the first line of its message. */
export type Commit = { readonly commit: string; readonly message: string };

/** What each verb answers. */
export type Answers = {
  'make app': void;
  'fetch repository': Ended;
  'resolve ref': Commit | undefined;
  'unpack commit': Ended;
  'install packages': Ended;
  'run script': Ended;
  'end leftovers': void;
  'start process': void;
  'stop process': void;
  'ensure front': void;
  'apply site': void;
  'remove site': void;
  'write file': void;
  'link current': void;
  'remove release': void;
  'remove app': void;
  'control service': void;
};

/** How a verb is watched and ended. */
export type Watch = {
  readonly signal?: AbortSignal | undefined;
  /** Hears each line that a command says, unredacted. */
  readonly onLine?: ((stream: 'stdout' | 'stderr', line: string) => void) | undefined;
};

/** Has a verb done; the only way in which actions touch the machine. */
export type Execute = <V extends Verb>(verb: V, watch?: Watch) => Promise<Answers[V['verb']]>;
