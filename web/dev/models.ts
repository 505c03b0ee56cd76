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
