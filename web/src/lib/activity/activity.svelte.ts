import type { ActorKind, Event, Outcome } from '@serverflow/gen/es/serverflow/audit/v1/event_pb';
import { audit } from '#lib/api/clients.ts';
import { problemOf, type Problem } from '#lib/api/problem.ts';

/** Which entries to show; 0 and empty mean all. */
export interface Filter {
  actorKind: ActorKind;
  outcome: Outcome;
  resource: string;
}

/** The activity, newest first: pages into the past, and live at its head. */
export class Activity {
  events = $state.raw<Event[]>([]);
  problem = $state.raw<Problem>();
  /** Where the past goes on; empty at its end. */
  nextPageToken = $state('');
  isRead = $state(false);
  #filter: Filter;

  constructor(filter: Filter) {
    this.#filter = filter;
  }

  /** Reads the next page of the past. */
  async more(): Promise<void> {
    try {
      const page = await audit.listEvents({
        ...this.#filter,
        pageSize: 50,
        pageToken: this.nextPageToken,
      });
      this.events = [...this.events, ...page.events.filter((event) => !this.#has(event))];
      this.nextPageToken = page.nextPageToken;
      this.problem = undefined;
      this.isRead = true;
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  /** Puts new entries, oldest first, before the others; what the filter leaves out is dropped. */
  head(events: Event[]): void {
    const fresh = events.filter((event) => fits(event, this.#filter) && !this.#has(event));
    if (fresh.length) this.events = [...fresh.toReversed(), ...this.events];
  }

  #has(event: Event): boolean {
    return this.events.some(({ id }) => id === event.id);
  }
}

/** Whether an entry passes a filter, by the rules of ListEvents. */
export function fits(event: Event, filter: Filter): boolean {
  return (
    (!filter.actorKind || event.actorKind === filter.actorKind) &&
    (!filter.outcome || event.outcome === filter.outcome) &&
    (!filter.resource || event.resource === filter.resource)
  );
}
