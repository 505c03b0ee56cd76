interface Tops {
  /** [p, k] token ids and probabilities. */
  ids: Float32Array;
  probs: Float32Array;
}

/** How much likelier each top token is than in another run; NaN where it is not among its top. */
export function changes(now: Tops, base: Tops, k: number): Float32Array {
  return now.probs.map((prob, at) => {
    const row = Math.floor(at / k) * k;
    const found = base.ids.subarray(row, row + k).indexOf(now.ids[at] ?? -1);
    return found < 0 ? Number.NaN : prob - (base.probs[row + found] ?? Number.NaN);
  });
}
