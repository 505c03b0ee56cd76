import type { Signal } from "@preact/signals";
import type { Board } from "../../state/board";
import type { SteeringView } from "../../wire/types";
import { Latest } from "./latest";

/** The settings of the steering panel; empty means what the kernel would take. */
export interface SteeringState {
  at: Signal<string>;
  direction: Signal<string>;
  reach: Signal<number>;
  making: Signal<boolean>;
  table: Signal<boolean>;
}

export function steeringState(board: Board): SteeringState {
  const { ui } = board;
  return {
    at: ui.local<string>("steering.at", ""),
    direction: ui.local<string>("steering.direction", ""),
    reach: ui.local<number>("steering.reach", 0),
    making: ui.local<boolean>("steering.making", false),
    table: ui.local<boolean>("steering.table", false),
  };
}

export function steeringView(board: Board): SteeringView {
  const { at, direction, reach } = steeringState(board);
  return {
    kind: "steering",
    at: at.value,
    direction: direction.value,
    reach: reach.value,
  };
}

/** How long a value waits for the answer to the one before it. */
const ANSWER_MS = 600;
/** After so long a rest, a change is a step of undo of its own. */
const REST_MS = 1200;

interface Wanted {
  at: string;
  direction: string;
  coefficient: number;
}

/** Turns the movements of one slider into requests: the newest wins, a drag is one step. */
export class Steerer {
  private readonly latest: Latest<Wanted & { step: string }>;
  private step = "";
  private moved = 0;

  constructor(private readonly board: Board) {
    this.latest = new Latest(async ({ at, direction, coefficient, step }) => {
      const { revision } = board.kernel;
      const before = revision.peek();
      const accepted = await board.steer(at, direction, coefficient, step);
      if (accepted) await this.answered(before);
    });
  }

  /** A drag begins: what follows is one step of undo. */
  begin(): void {
    this.step = `drag ${Math.random().toString(36).slice(2)}`;
    this.moved = Date.now();
  }

  move(wanted: Wanted): void {
    if (!this.step || Date.now() - this.moved > REST_MS) this.begin();
    this.moved = Date.now();
    this.latest.push({ ...wanted, step: this.step });
  }

  /** One change on its own. */
  set(wanted: Wanted): void {
    this.begin();
    this.move(wanted);
    this.step = "";
  }

  private answered(before: number): Promise<void> {
    const { revision } = this.board.kernel;
    return new Promise((resolve) => {
      const timer = setTimeout(done, ANSWER_MS);
      const stop = revision.subscribe((now) => {
        if (now !== before) done();
      });
      function done(): void {
        clearTimeout(timer);
        // `subscribe` calls back before it returns.
        queueMicrotask(() => stop());
        resolve();
      }
    });
  }
}
