import type { Measure } from "../../wire/types";

interface About {
  label: string;
  about: string;
  /** What the number is, in one word. */
  unit: string;
  group: string;
  signed: boolean;
  /** The end of the scale, where it is the same for every model. */
  top?: number;
}

const METRIC = "Of the metric";
const SIZE = "Of the stream";
const PATTERN = "Of the attention";
const REPEATS = "Head class, on random repeats";
const WEIGHTS = "Head class, from the weights";

const score = (label: string, what: string): About => ({
  label,
  about: `${what}, mean over random repeats; a property of the weights`,
  unit: "score",
  group: REPEATS,
  signed: false,
  top: 1,
});

export const MEASURES: Readonly<Record<Measure, About>> = {
  attribution: {
    label: "Direct logit attribution",
    about: "what each part writes straight to the metric",
    unit: "attribution",
    group: METRIC,
    signed: true,
  },
  effect: {
    label: "Ablation effect",
    about: "change of the metric when the part is set to zero: one run for each part",
    unit: "effect",
    group: METRIC,
    signed: true,
  },
  gradient: {
    label: "Attribution patching to zero",
    about:
      "the ablation effect estimated by the gradient: minus gradient × activation, summed over positions",
    unit: "estimate",
    group: METRIC,
    signed: true,
  },
  gradient_contrast: {
    label: "Attribution patching to contrast",
    about:
      "the effect of patching from the contrast prompt, estimated by the gradient: gradient × (contrast − now), summed over positions; needs a contrast prompt of the same length",
    unit: "estimate",
    group: METRIC,
    signed: true,
  },
  norm: {
    label: "Output norm",
    about: "length of what each part adds to the stream",
    unit: "norm",
    group: SIZE,
    signed: false,
  },
  share: {
    label: "Share of residual norm",
    about: "length of what each part writes, over that of the stream it adds to",
    unit: "share",
    group: SIZE,
    signed: false,
  },
  entropy: {
    label: "Pattern entropy here",
    about: "entropy of the attention from the token looked at, in nats",
    unit: "nats",
    group: PATTERN,
    signed: false,
  },
  entropy_mean: {
    label: "Pattern entropy, mean",
    about: "entropy of the attention, mean over all tokens, in nats",
    unit: "nats",
    group: PATTERN,
    signed: false,
  },
  previous: score("Previous-token score", "attention to the token before"),
  duplicate: score("Duplicate-token score", "attention to the same token before"),
  induction: score("Induction score", "attention to the token after the same one before"),
  current: score("Current-token score", "attention to the token itself"),
  first: score("First-token score", "attention to the first token"),
  copying: {
    label: "Copying score",
    about: "sum of the OV circuit's eigenvalues over the sum of their sizes, norms folded in",
    unit: "score",
    group: WEIGHTS,
    signed: true,
    top: 1,
  },
};

/** Measures by group, in the order of a menu. */
export function grouped(): [string, Measure[]][] {
  const found = new Map<string, Measure[]>();
  for (const name of Object.keys(MEASURES) as Measure[]) {
    const { group } = MEASURES[name];
    found.set(group, [...(found.get(group) ?? []), name]);
  }
  return [...found];
}

/** Whether a measure has to do with the weights alone: the same now and at baseline. */
export function ofWeights(measure: Measure): boolean {
  const { group } = MEASURES[measure];
  return group === REPEATS || group === WEIGHTS;
}
