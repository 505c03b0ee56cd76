import type { Board } from "../../state/board";
import type { View } from "../../wire/types";
import { EDITS } from "../weights/place";

export interface MlpPlace {
  layer: number;
  /** The neurons selected in that layer, the last one last. */
  neurons: number[];
}

const MLP = /^L(\d+)\.mlp(?:\.n(\d+))?/;

/** The MLP that the selection lies in: that of the last address that lies in one. */
export function mlpPlace(selection: readonly string[]): MlpPlace | null {
  const found = selection.map((address) => MLP.exec(address)).filter((match) => match !== null);
  const last = found[found.length - 1];
  if (!last) return null;
  const own = found.filter((match) => match[1] === last[1] && match[2] !== undefined);
  return { layer: Number(last[1]), neurons: own.map((match) => Number(match[2])) };
}

export function neuronAddress(layer: number, neuron: number): string {
  return `L${layer}.mlp.n${neuron}`;
}

/** The layer of which every neuron is to be ablated, if any. */
export function everyOf(board: Board) {
  return board.ui.local<number | null>("mlp.every", null);
}

export function mlpViews(board: Board): readonly View[] {
  const place = mlpPlace(board.selection.value);
  if (!place) return [];
  const { layer, neurons } = place;
  const neuron = neurons[neurons.length - 1];
  const whole: View = { kind: "mlp", layer, every: everyOf(board).value === layer };
  return neuron === undefined ? [whole] : [whole, { kind: "neuron", layer, neuron }, EDITS];
}
