import type { Part } from "./geometry";
import { type MapValues, place } from "./values";

/** Parts that are drawn faint, 1 for each: all but those found and those over the threshold. */
export interface Faint {
  heads: Uint8Array;
  mlp: Uint8Array;
  embed: Uint8Array;
}

/** The threshold that a slider from 0 to 1 stands for: finer near zero. */
export function thresholdAt(slider: number, top: number): number {
  return top * slider * slider;
}

/** Whether a part is one of those that carry the map's colour. */
export function coloured({ kind }: Part): boolean {
  return kind === "head" || kind === "mlp" || kind === "embed" || kind === "pos";
}

function numberOf(values: MapValues, part: Part, heads: number): number {
  const found = place(part, heads);
  if (!found || !coloured(part)) return Number.NaN;
  return values[found[0] as "heads" | "mlp" | "embed"][found[1]] ?? Number.NaN;
}

/** Parts whose value, whatever its sign, reaches the threshold; and how many have one at all. */
export function passing(
  parts: readonly Part[],
  values: MapValues,
  heads: number,
  threshold: number,
): { addresses: string[]; known: number } {
  const addresses: string[] = [];
  let known = 0;
  for (const part of parts) {
    const value = Math.abs(numberOf(values, part, heads));
    if (Number.isNaN(value)) continue;
    known += 1;
    if (value >= threshold) addresses.push(part.address);
  }
  return { addresses, known };
}

/** What to draw faint, or null where all is drawn in full. */
export function faintBut(
  parts: readonly Part[],
  size: { layers: number; heads: number },
  keep: ReadonlySet<string>[],
): Faint | null {
  if (keep.length === 0) return null;
  const faint: Faint = {
    heads: new Uint8Array(size.layers * size.heads),
    mlp: new Uint8Array(size.layers),
    embed: new Uint8Array(2),
  };
  for (const part of parts) {
    if (!coloured(part) || keep.every((set) => set.has(part.address))) continue;
    const found = place(part, size.heads);
    if (found) faint[found[0] as keyof Faint][found[1]] = 1;
  }
  return faint;
}
