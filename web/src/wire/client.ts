import type { Buffers, Transport } from "../transport/transport";
import type { Problem, Progress, Push, Reply, Request, Saved, State, ViewData } from "./types";

type WithoutId<T> = T extends { id: number } ? Omit<T, "id"> : never;
export type Unsent = WithoutId<Request>;

export interface Handlers {
  state(state: State): void;
  data(data: ViewData, buffers: Buffers): void;
  progress(progress: Progress): void;
  /** A file that this client asked for. */
  saved(saved: Saved, buffers: Buffers): void;
  /** Whether some request has waited longer than a live kernel takes. */
  late(late: boolean): void;
  /** Python set the layout. */
  remembered(layout: string): void;
  /** States were missed: the whole has to be asked for again. */
  gap(): void;
}

export interface Client {
  /** Sends a request; resolves with its reply, errors of the kernel included. */
  ask(request: Unsent): Promise<Reply>;
  close(): void;
}

export const LATE_MS = 600;
/** The channel is closed: the kernel restarts, or the page goes away. */
const GONE: Problem = {
  kind: "kernel",
  message: "The kernel does not answer.",
  hint: "The board comes back when it has started again.",
};

interface Pending {
  resolve: (reply: Reply) => void;
  timer: ReturnType<typeof setTimeout>;
  late: boolean;
}

/** Matches replies to requests, keeps states in order, and notices a kernel that is slow to answer. */
class MessageClient implements Client {
  // Several boards share one channel, and each hears the replies to all.
  private next = 1 + Math.floor(Math.random() * 2 ** 40);
  private readonly pending = new Map<number, Pending>();
  private readonly saves = new Set<number>();
  private late = false;
  private seq = 0;
  private readonly stop: () => void;

  constructor(
    private readonly transport: Transport,
    private readonly on: Handlers,
  ) {
    this.stop = transport.listen((push, buffers) => this.receive(push, buffers));
  }

  ask(request: Unsent): Promise<Reply> {
    const id = this.next++;
    return new Promise((resolve) => {
      const entry: Pending = {
        resolve,
        late: false,
        timer: setTimeout(() => {
          entry.late = true;
          this.showLate();
        }, LATE_MS),
      };
      this.pending.set(id, entry);
      if (request.op === "save") this.saves.add(id);
      try {
        this.transport.send({ ...request, id } as Request);
      } catch {
        this.settle({ t: "reply", id, problem: GONE, text: null });
      }
    });
  }

  close(): void {
    this.stop();
    for (const { timer } of this.pending.values()) clearTimeout(timer);
    this.pending.clear();
  }

  private receive(push: Push, buffers: Buffers): void {
    switch (push.t) {
      case "reply":
        this.settle(push);
        break;
      case "state":
        this.advance(push);
        break;
      case "progress":
        this.on.progress(push);
        break;
      case "saved":
        if (this.saves.delete(push.id)) this.on.saved(push, buffers);
        break;
      case "view":
        this.on.data(push, buffers);
        break;
      case "remembered":
        this.on.remembered(push.layout);
    }
  }

  private settle(reply: Reply): void {
    const entry = this.pending.get(reply.id);
    if (!entry) return;
    this.pending.delete(reply.id);
    clearTimeout(entry.timer);
    this.showLate();
    entry.resolve(reply);
  }

  private advance(state: State): void {
    if (state.seq <= this.seq) return;
    const gap = this.seq > 0 && state.seq > this.seq + 1;
    this.seq = state.seq;
    this.on.state(state);
    if (gap) this.on.gap();
  }

  private showLate(): void {
    const late = [...this.pending.values()].some((entry) => entry.late);
    if (late === this.late) return;
    this.late = late;
    this.on.late(late);
  }
}

export function connect(transport: Transport, on: Handlers): Client {
  return new MessageClient(transport, on);
}
