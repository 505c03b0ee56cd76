import type { ModelInfo } from "../src/wire/types";

const small: ModelInfo = {
  name: "names",
  n_layers: 4,
  n_heads: 4,
  n_kv_heads: 4,
  d_model: 128,
  d_head: 32,
  d_mlp: 512,
  d_vocab: 1187,
  n_ctx: 64,
  norm: "LN",
  positional: "standard",
  parallel: false,
  attn_only: false,
  gated: false,
  pos_embed: true,
  self_check: 9.5e-7,
};

export const MODELS: Readonly<Record<string, ModelInfo>> = {
  "1": { ...small, name: "one", n_layers: 1, n_heads: 1, n_kv_heads: 1, norm: "none" },
  "2": { ...small, name: "induction", n_layers: 2, attn_only: true },
  "4": small,
  "6": {
    ...small,
    name: "parallel",
    n_layers: 6,
    n_heads: 8,
    n_kv_heads: 2,
    parallel: true,
    pos_embed: false,
    norm: "RMS",
  },
  "12": {
    ...small,
    name: "gpt2",
    n_layers: 12,
    n_heads: 12,
    n_kv_heads: 12,
    d_model: 768,
    d_vocab: 50257,
  },
  "96": {
    ...small,
    name: "large",
    n_layers: 96,
    n_heads: 96,
    n_kv_heads: 96,
    d_model: 12288,
    d_vocab: 50257,
  },
};

export const PROMPT = "When Mary and John went to the store, John gave a drink to";
export const ANSWERS = [
  " Mary",
  " John",
  " the",
  " her",
  " him",
  " them",
  " a",
  " Tom",
  " Anna",
  " store",
  " his",
  " Kate",
];

/** Words, spaces kept in front, after a token that begins the text. */
export function split(prompt: string): string[] {
  return ["<bos>", ...(prompt.match(/ ?[\p{L}\p{N}]+|\s?[^\s\p{L}\p{N}]|\s+/gu) ?? [])];
}

/** A number in [0, 1) that depends on all that it is given. */
export function chance(...seeds: number[]): number {
  let hash = 2166136261;
  for (const seed of seeds) {
    hash = Math.imul(hash ^ (Math.round(seed * 1000) + 7), 16777619);
    hash ^= hash >>> 13;
    hash = Math.imul(hash, 1540483477);
  }
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}

/** A causal pattern of one of a few well-known kinds. */
export function patternOf(layer: number, head: number, tokens: readonly string[]): Float32Array {
  const size = tokens.length;
  const kind = Math.floor(chance(layer, head, 3) * 5);
  const found = new Float32Array(size * size);
  for (let row = 0; row < size; row += 1) {
    let sum = 0;
    for (let column = 0; column <= row; column += 1) {
      const same = tokens[column - 1] === tokens[row] && column > 0;
      const name = /^ [A-Z]/.test(tokens[column] ?? "");
      let score = chance(layer, head, row, column) * 1.4;
      if (kind === 0 && column === row - 1) score += 5;
      if (kind === 1 && same) score += 5;
      if (kind === 2 && name) score += 4;
      if (kind === 3) score += 2.5 * Math.exp((column - row) / 2);
      if (column === 0) score += kind === 4 ? 4 : 1.5;
      found[row * size + column] = Math.exp(score);
      sum += Math.exp(score);
    }
    for (let column = 0; column <= row; column += 1) {
      found[row * size + column] = (found[row * size + column] ?? 0) / sum;
    }
  }
  return found;
}
