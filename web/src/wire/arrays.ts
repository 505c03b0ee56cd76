import type { Array as Described } from "./types";

export interface Grid {
  /** Row-major values. */
  data: Float32Array | Uint8Array;
  shape: readonly number[];
}

export type Grids = Readonly<Record<string, Grid>>;

/** Copies the arrays of a message out of its buffers, which may lie at any offset. */
export function unpack(described: readonly Described[], buffers: readonly DataView[]): Grids {
  const found: Record<string, Grid> = {};
  for (const { name, dtype, shape, buffer } of described) {
    const view = buffers[buffer];
    if (!view) throw new Error(`The data of ${name} did not arrive.`);
    const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
    const data = dtype === "uint8" ? new Uint8Array(bytes) : new Float32Array(bytes);
    const size = shape.reduce((a, b) => a * b, 1);
    if (data.length !== size) throw new Error(`The data of ${name} is incomplete.`);
    found[name] = { data, shape };
  }
  return found;
}
