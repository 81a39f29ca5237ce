/** How near to the end, in pixels, counts as being there. */
const END_PX = 24;

/** Whether a view follows its log: any movement up stops it, coming back to the end or asking begins it again. */
export class Follower {
  follows = $state(true);
  /** How many lines came since it stopped following. */
  missed = $state(0);
  #offset = 0;
  #end = 0;

  /** Hears where the view is; end is the offset at which the last line is in sight. */
  moved(offset: number, end: number): void {
    const up = offset < this.#offset - 1;
    // Lines that are measured or added move the view by themselves: only then does the end move too.
    if (up && end === this.#end && offset < end - END_PX) this.stop();
    else if (!up && offset >= end - END_PX) this.start();
    this.#offset = offset;
    this.#end = end;
  }

  /** Hears that a person turned the wheel or pressed a key; a negative direction is up. */
  turned(direction: number): void {
    if (direction < 0) this.stop();
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
