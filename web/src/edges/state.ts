import { type Signal, signal } from "@preact/signals";
import type { UiState } from "../state/ui";

/** An edge being drawn, before it has an end. */
export interface Draft {
  from: string;
  /** The receiver it points at, if it is one. */
  to: string | null;
  /** Where the pointer is, in pixels of the map; null while the keyboard draws. */
  at: { x: number; y: number } | null;
}

export interface Ends {
  sender: string;
  receiver: string;
}

export interface EdgeState {
  /** The edge pointed at, on the map or in a list. */
  hover: Signal<string | null>;
  draft: Signal<Draft | null>;
  /** The two parts whose choices are open. */
  open: Signal<Ends | null>;
}

const states = new WeakMap<UiState, EdgeState>();

/** What a person does with edges, of one board. */
export function edgeState(ui: UiState): EdgeState {
  let found = states.get(ui);
  if (!found) {
    found = { hover: signal(null), draft: signal(null), open: signal(null) };
    states.set(ui, found);
  }
  return found;
}
