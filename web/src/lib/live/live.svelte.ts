import { Code, ConnectError } from '@connectrpc/connect';
import { problemOf, type Problem } from '#lib/api/problem.ts';
import { follow, type Following, type FollowSpec, type FollowState } from './follow.ts';

/** A tab that stays hidden longer than this gives up its streams: a browser allows six connections to one origin. */
const HIDDEN_MS = 10_000;

const FINAL = [
  Code.Unauthenticated,
  Code.PermissionDenied,
  Code.NotFound,
  Code.InvalidArgument,
  Code.FailedPrecondition,
  Code.Unimplemented,
];

/** What a page needs to tell how fresh a live view is. */
export class Live {
  state = $state<FollowState>('connecting');
  /** When the last message came, as milliseconds since 1970; 0 before the first. */
  heardAt = $state(0);
  problem = $state.raw<Problem>();

  /** Follows a stream until the returned function is called; pauses while the tab is hidden. */
  follow<M extends { cursor: string }>(spec: Pick<FollowSpec<M>, 'open' | 'take'>): () => void {
    this.problem = undefined;
    const following = follow<M>({
      ...spec,
      tell: (state, error) => this.#hear(state, error),
      isFinal: (error) => FINAL.includes(ConnectError.from(error).code),
      isCursorLost: (error) => problemOf(error).reason === 'BAD_CURSOR',
    });
    const forget = pauseWhileHidden(following);
    return () => {
      forget();
      following.stop();
    };
  }

  #hear(state: FollowState, error: unknown) {
    this.state = state;
    if (state === 'live') this.heardAt = Date.now();
    if (state === 'failed') this.problem = problemOf(error);
  }
}

/** Follows a stream as long as the calling component lives; what open reads of the page's state begins it anew. */
export function useLive<M extends { cursor: string }>(
  spec: () => Pick<FollowSpec<M>, 'open' | 'take'> | undefined,
): Live {
  const live = new Live();
  $effect(() => {
    const what = spec();
    if (what) return live.follow(what);
    return undefined;
  });
  return live;
}

function pauseWhileHidden(following: Following): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => following.pause(), HIDDEN_MS);
    else following.resume();
  };
  document.addEventListener('visibilitychange', look);
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
  };
}
