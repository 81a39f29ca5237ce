import type { Component } from 'svelte';

/** Something a person can do to a thing: one list of these serves buttons, menus and the palette. */
export interface Action {
  /** Unique in its list, and in the palette together with its thing's name. */
  id: string;
  title: string;
  icon: Component;
  /** Why it cannot be done now; unset when it can. */
  blocked?: string | undefined;
  /** Whether it takes away what cannot be brought back. */
  destroys?: boolean;
  /** What is asked before it runs. */
  ask?: Question;
  /** Does it; what it returns is said as a success. */
  run: () => Promise<string | void> | string | void;
}

/** A question before an action, which shows what the action touches. */
export interface Question {
  title: string;
  /** What happens, and to what, one line each. */
  touches: string[];
  /** The name to type, only where nothing can undo it. */
  typed?: string;
  /** A text that the action needs, such as a new name. */
  input?: { label: string; value: string; hint?: string };
}
