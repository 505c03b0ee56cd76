/**
 * Sends what is pushed, one at a time: while one is under way, only the newest waits.
 *
 * A drag asks for more than a model can answer; what was in between is left out.
 */
export class Latest<T> {
  private waiting: { value: T } | null = null;
  private busy = false;

  constructor(private readonly send: (value: T) => Promise<unknown>) {}

  push(value: T): void {
    this.waiting = { value };
    if (!this.busy) void this.work();
  }

  private async work(): Promise<void> {
    this.busy = true;
    try {
      while (this.waiting) {
        const { value } = this.waiting;
        this.waiting = null;
        await this.send(value);
      }
    } finally {
      this.busy = false;
    }
  }
}
