import type { Signal } from "@preact/signals";
import type { Board } from "../../state/board";
import type { PatchingInfo, PatchingView, View } from "../../wire/types";

export type PatchOver = PatchingView["over"];
export type Shown = "change" | "share";
export type Direction = PatchingView["direction"];

/** The settings of the patching panel. */
export interface PatchingState {
  over: Signal<PatchOver>;
  direction: Signal<Direction>;
  shown: Signal<Shown>;
  every: Signal<boolean>;
  table: Signal<boolean>;
  /** The cell that was chosen last, by its address. */
  chosen: Signal<string>;
  /** The cell for which the prompts were exchanged. */
  swapped: Signal<string>;
}

export function patchingState(board: Board): PatchingState {
  const { ui } = board;
  return {
    over: ui.local<PatchOver>("patching.over", "resid_pre"),
    direction: ui.local<Direction>("patching.direction", "noising"),
    shown: ui.local<Shown>("patching.shown", "share"),
    every: ui.local<boolean>("patching.every", false),
    table: ui.local<boolean>("patching.table", false),
    chosen: ui.local<string>("patching.chosen", ""),
    swapped: ui.local<string>("patching.swapped", ""),
  };
}

/** The layer of what is selected: that of the part selected last, else the first. */
export function selectedLayer(board: Board): number {
  const found = board.selection.value.map((address) => /^L(\d+)/.exec(address)?.[1]);
  const last = found.filter((layer) => layer !== undefined).pop();
  return Number(last ?? 0);
}

export function patchingView(board: Board): PatchingView {
  const { over, direction, every } = patchingState(board);
  const layered = over.value === "neuron" || (over.value === "head position" && !every.value);
  const layer = layered ? selectedLayer(board) : -1;
  return { kind: "patching", over: over.value, direction: direction.value, layer };
}

export function patchingViews(board: Board): View[] {
  return board.kernel.contrast.value ? [patchingView(board)] : [];
}

/** The change of the metric by each patch, or its share of the way to the other run. */
export function measured(patched: Float32Array, info: PatchingInfo, shown: Shown): Float32Array {
  const way = info.source - info.run;
  if (shown === "change") return patched.map((value) => value - info.run);
  return patched.map((value) => (way === 0 ? Number.NaN : (value - info.run) / way));
}

/** What the numbers are, as a formula. */
export function formula(shown: Shown, direction: Direction): string {
  const run = direction === "noising" ? "m(prompt)" : "m(contrast)";
  const source = direction === "noising" ? "m(contrast)" : "m(prompt)";
  if (shown === "change") return `m(patched) − ${run}`;
  return `(m(patched) − ${run}) / (${source} − ${run})`;
}

/** Where the cell of an address lies: its row and column; null where the grid has none. */
export function cellOf(
  info: PatchingInfo,
  address: string,
): { row: number; column: number } | null {
  const at = info.places.indexOf(address);
  const columns = info.places.length / Math.max(1, info.rows.length);
  if (at < 0) return null;
  return { row: Math.floor(at / columns), column: at % columns };
}

/** The cells of the largest change, the largest first. */
export function strongest(changes: ArrayLike<number>, most: number): number[] {
  const known = Array.from({ length: changes.length }, (_, i) => i).filter(
    (i) => !Number.isNaN(changes[i] as number),
  );
  const size = (i: number) => Math.abs(changes[i] as number);
  return known.sort((a, b) => size(b) - size(a)).slice(0, most);
}
