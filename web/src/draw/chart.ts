/** Maps values to heights: the best on top. */
export interface Heights {
  at: (value: number) => number;
  ticks: { value: number; label: string }[];
}

/** Ranks on a log scale, 1 on top. */
export function rankHeights(largest: number, top: number, height: number): Heights {
  const end = Math.max(1, Math.log10(Math.max(2, largest)));
  const at = (rank: number) => top + (Math.log10(Math.max(1, rank)) / end) * height;
  const ticks = [];
  for (let power = 0; power <= end; power += 1) {
    ticks.push({ value: 10 ** power, label: String(10 ** power) });
  }
  return { at, ticks };
}

/** Probabilities from nothing to the largest. */
export function probabilityHeights(largest: number, top: number, height: number): Heights {
  const end = largest > 0.5 ? 1 : Math.max(0.01, largest * 1.1);
  const at = (part: number) => top + (1 - part / end) * height;
  const ticks = [0, 0.5, 1].map((part) => {
    const value = part * end;
    return { value, label: `${Number((value * 100).toPrecision(2))}%` };
  });
  return { at, ticks };
}

/** An SVG path through points; it breaks where a value is not known. */
export function linePath(xs: readonly number[], ys: readonly number[]): string {
  let path = "";
  let down = false;
  xs.forEach((x, i) => {
    const y = ys[i] ?? Number.NaN;
    if (Number.isNaN(y)) down = false;
    else {
      path += `${down ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      down = true;
    }
  });
  return path;
}

/** Moves labels apart so that none covers another, in their order of height. */
export function spread(wanted: readonly number[], least: number, low: number, high: number) {
  const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const out = [...wanted];
  let floor = low;
  for (const i of order) {
    out[i] = Math.max(floor, wanted[i] ?? 0);
    floor = (out[i] ?? 0) + least;
  }
  let ceiling = high;
  for (const i of order.reverse()) {
    out[i] = Math.min(ceiling, out[i] ?? 0);
    ceiling = (out[i] ?? 0) - least;
  }
  return out;
}
