import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import { endsOf, floats, sideOf } from "../shared/sides";

/** A number in both runs, NaN where it is not known. */
export interface Both {
  now: number;
  baseline: number;
}

export interface NeuronRow {
  neuron: number;
  activation: Both;
  direct: Both;
  ablation: Both;
}

export type Column = "neuron" | "activation" | "direct" | "ablation";

/** The neurons that arrived, with their activation at one token. */
export function neuronRows(picture: Picture | null, position: number): NeuronRow[] {
  const neurons = floats(picture, "neurons");
  const [act, direct, ablation] = ["act", "direct", "ablation"].map((name) =>
    endsOf(picture, name),
  ) as [ReturnType<typeof endsOf>, ReturnType<typeof endsOf>, ReturnType<typeof endsOf>];
  const width = picture?.grids.act_now?.shape[1] ?? 0;
  const both = (ends: typeof act, i: number): Both => ({
    now: ends.now[i] ?? Number.NaN,
    baseline: ends.baseline[i] ?? Number.NaN,
  });
  return [...neurons].map((neuron, i) => ({
    neuron,
    activation: both(act, i * width + position),
    direct: both(direct, i),
    ablation: both(ablation, i),
  }));
}

export function columnOf(row: NeuronRow, column: Column, side: Side): number {
  if (column === "neuron") return row.neuron;
  const { now, baseline } = row[column];
  return sideOf(now, baseline, side);
}

/** The largest first, whatever the sign (neurons by number); what is not known last. */
export function sorted(rows: readonly NeuronRow[], column: Column, side: Side): NeuronRow[] {
  const key = (row: NeuronRow) => {
    const value = columnOf(row, column, side);
    if (Number.isNaN(value)) return Number.POSITIVE_INFINITY;
    return column === "neuron" ? value : -Math.abs(value);
  };
  return [...rows].sort((a, b) => key(a) - key(b) || a.neuron - b.neuron);
}
