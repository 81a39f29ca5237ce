import { problemOf, type Problem } from '#lib/api/problem.ts';
import { toast } from '#lib/ui/toasts.svelte.ts';
import type { Action } from './action.ts';

/** The action that is asked about or running, and what went wrong with the last one. */
export const acting = $state<{
  asked: Action | undefined;
  /** The text that the question asks for. */
  input: string;
  busy: string;
  problem: Problem | undefined;
}>({ asked: undefined, input: '', busy: '', problem: undefined });

/** Begins an action: asks first where it has a question, else runs it. */
export async function act(action: Action): Promise<void> {
  if (action.blocked) return;
  acting.problem = undefined;
  if (action.ask) {
    acting.input = action.ask.input?.value ?? '';
    acting.asked = action;
    return;
  }
  await perform(action);
}

/** Runs an action now; a problem stays in acting.problem until the next action or page. */
export async function perform(action: Action): Promise<void> {
  acting.busy = action.id;
  acting.problem = undefined;
  try {
    const said = await action.run();
    acting.asked = undefined;
    if (said) toast(said);
  } catch (error) {
    acting.problem = problemOf(error);
  } finally {
    acting.busy = '';
  }
}
