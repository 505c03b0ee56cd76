import { type Signal, signal } from "@preact/signals";
import type { Pattern } from "./weights";

/** The cells painted and not yet applied: weight by `row * size + column`. */
export type Painted = ReadonlyMap<number, number>;

/** A pattern in the making; one for each board. */
export class Edit {
  readonly cells: Signal<Painted> = signal(new Map());
  readonly weight = signal(1);
  readonly normalise = signal(true);

  put(cell: number, weight: number | null): void {
    const before = this.cells.peek();
    if (before.get(cell) === (weight ?? undefined)) return;
    const next = new Map(before);
    if (weight === null) next.delete(cell);
    else next.set(cell, weight);
    this.cells.value = next;
  }

  discard(): void {
    if (this.cells.peek().size > 0) this.cells.value = new Map();
  }
}

const edits = new WeakMap<object, Edit>();

export function editOf(board: object): Edit {
  let found = edits.get(board);
  if (!found) {
    found = new Edit();
    edits.set(board, found);
  }
  return found;
}

/** What a pattern becomes: painted cells set and, if asked for, their rows made to sum to 1. */
export function edited({ data, size }: Pattern, painted: Painted, normalise: boolean): Pattern {
  const out = data.slice();
  const rows = new Map<number, number[]>();
  for (const [cell, weight] of painted) {
    const row = Math.floor(cell / size);
    out[cell] = weight;
    rows.set(row, [...(rows.get(row) ?? []), cell]);
  }
  if (normalise) for (const [row, mine] of rows) normaliseRow(out, row * size, size, mine);
  return { data: out, size };
}

function normaliseRow(out: Float32Array, start: number, size: number, mine: number[]): void {
  const row = out.subarray(start, start + size);
  const kept = mine.map((cell) => out[cell] ?? 0);
  const asked = kept.reduce((a, b) => a + b, 0);
  const rest = row.reduce((a, b) => a + b, 0) - asked;
  const spare = asked < 1 && rest > 1e-9;
  if (!spare && asked <= 0) return;
  const factor = spare ? (1 - asked) / rest : 0;
  row.forEach((value, i) => {
    row[i] = value * factor;
  });
  mine.forEach((cell, i) => {
    out[cell] = (kept[i] ?? 0) / (spare ? 1 : asked);
  });
}
