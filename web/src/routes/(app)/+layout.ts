import { redirect } from '@sveltejs/kit';
import { accounts } from '#lib/api/clients.ts';
import { isSignedOut, problemOf } from '#lib/api/problem.ts';
import type { LayoutLoad } from './$types';

/** Loads who is signed in; whoever is not goes to sign in, or to set up where there is nobody yet. */
export const load: LayoutLoad = async ({ url, untrack }) => {
  try {
    return { account: await accounts.getAccount({}), problem: undefined };
  } catch (error) {
    const problem = problemOf(error);
    if (!isSignedOut(problem)) return { account: undefined, problem };
    const { required } = await accounts.getSetup({});
    const here = untrack(() => url.pathname + url.search);
    redirect(307, required ? '/setup' : `/login?next=${encodeURIComponent(here)}`);
  }
};
