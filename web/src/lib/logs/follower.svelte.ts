/** How near to the end, in pixels, counts as being there. */
const END_PX = 24;

/** Whether a view follows its log: any movement up stops it, coming back to the end or asking begins it again. */
export class Follower {
  follows = $state(true);
  /** How many lines came since it stopped following. */
  missed = $state(0);
  #offset = 0;

  /** Hears where the view is; end is the offset at which the last line is in sight. */
  moved(offset: number, end: number): void {
    const up = offset < this.#offset - 1;
    // A list that shrinks moves its view up by itself: that is at its end, and no movement of a person.
    if (up && offset < end - END_PX) this.stop();
    else if (!up && offset >= end - END_PX) this.start();
    this.#offset = offset;
  }

  /** Hears how many lines were put behind the others. */
  grew(lines: number): void {
    if (!this.follows && lines > 0) this.missed += lines;
  }

  start(): void {
    this.follows = true;
    this.missed = 0;
  }

  stop(): void {
    this.follows = false;
  }
}
