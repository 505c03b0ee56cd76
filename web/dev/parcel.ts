import type { Recorded } from "../src/transport/replay";
import type { Array as Described, ViewData } from "../src/wire/types";

/** Arrays on their way to the board, at odd offsets as a kernel's may be. */
export class Parcel {
  private readonly arrays: Described[] = [];
  private readonly buffers: DataView[] = [];

  add(name: string, values: ArrayLike<number>, shape: number[]): void {
    this.put(name, "float32", shape, new Uint8Array(Float32Array.from(values).buffer));
  }

  addBytes(name: string, values: ArrayLike<number>, shape: number[]): void {
    this.put(name, "uint8", shape, Uint8Array.from(values));
  }

  private put(name: string, dtype: Described["dtype"], shape: number[], bytes: Uint8Array): void {
    const odd = new Uint8Array(bytes.length + 3);
    odd.set(bytes, 3);
    this.arrays.push({ name, dtype, shape, buffer: this.buffers.length });
    this.buffers.push(new DataView(odd.buffer, 3, bytes.length));
  }

  sent(data: Pick<ViewData, "view" | "revision"> & Partial<ViewData>, after: number): Recorded {
    const push: ViewData = { t: "view", info: null, problem: null, ...data, arrays: this.arrays };
    return { push, buffers: this.buffers, after };
  }
}
