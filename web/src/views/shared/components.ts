import { largest } from "../../draw/colour";
import type { Side } from "../../state/ui";
import type { Component } from "../../wire/types";

/** One bar: a component, or all heads of a layer together. */
export interface Item {
  key: string;
  label: string;
  kind: Component["kind"] | "heads" | "others";
  /** What a click selects. */
  at: string | null;
  layer: number | null;
  now: number;
  base: number;
  /** Where it lies among the components; of a group, -1. */
  index: number;
  parts: Item[];
}

/** An item and where its bar starts and ends, now and at the baseline. */
export interface Bar {
  item: Item;
  now: readonly [number, number];
  base: readonly [number, number];
  /** 1 for a part of a group. */
  depth: number;
}

const NAMES: Partial<Record<Component["kind"], string>> = {
  embed: "token embedding",
  pos_embed: "position embedding",
  edges: "edges into the logits",
  constant: "biases",
  cap: "logit soft-cap",
  softmax: "− log Σ exp",
};
const SELECTABLE = new Set(["embed", "pos_embed", "head", "rest", "mlp", "change"]);

function labelOf({ kind, at, layer }: Component): string {
  if (kind === "rest") return `L${layer} attention, rest`;
  if (kind === "change") return `set at ${at}`;
  return NAMES[kind] ?? at;
}

function single(component: Component, index: number, now: number, base: number): Item {
  const { kind, at, layer } = component;
  return {
    key: `${kind} ${at}`,
    label: labelOf(component),
    kind,
    at: SELECTABLE.has(kind) ? at : null,
    layer,
    now,
    base,
    index,
    parts: [],
  };
}

/** What is smaller than this part of the largest is rounding. */
const ROUNDING = 1e-6;

/** Every component as an item, but the rest of attention where it adds nothing (no b_O). */
export function items(
  components: readonly Component[],
  now: ArrayLike<number>,
  base: ArrayLike<number>,
): Item[] {
  const least = ROUNDING * largest(now, base);
  return components
    .map((component, i) => single(component, i, now[i] ?? Number.NaN, base[i] ?? Number.NaN))
    .filter(
      ({ kind, now: a, base: b }) => kind !== "rest" || Math.max(Math.abs(a), Math.abs(b)) > least,
    );
}

function together(key: string, label: string, kind: Item["kind"], parts: Item[]): Item {
  const sum = (of: (item: Item) => number) => parts.reduce((total, item) => total + of(item), 0);
  return {
    key,
    label,
    kind,
    at: null,
    layer: parts[0]?.layer ?? null,
    now: sum((item) => item.now),
    base: sum((item) => item.base),
    index: -1,
    parts,
  };
}

/** In the order of the model, the heads of each layer together. */
export function byLayer(all: readonly Item[]): Item[] {
  const found: Item[] = [];
  for (const item of all) {
    const last = found[found.length - 1];
    if (item.kind !== "head") found.push(item);
    else if (last?.kind === "heads" && last.layer === item.layer) last.parts.push(item);
    else found.push(together(`heads ${item.layer}`, `L${item.layer} heads`, "heads", [item]));
  }
  return found.map((item) =>
    item.kind === "heads" ? together(item.key, item.label, "heads", item.parts) : item,
  );
}

export function valueOn(item: Item, side: Side): number {
  if (side === "now") return item.now;
  return side === "baseline" ? item.base : item.now - item.base;
}

/** The largest first; the small ones after ``most`` together, unless all are wanted. */
export function bySize(all: readonly Item[], side: Side, most: number): Item[] {
  const sorted = [...all].sort((a, b) => Math.abs(valueOn(b, side)) - Math.abs(valueOn(a, side)));
  if (sorted.length <= most + 1) return sorted;
  const rest = sorted.slice(most);
  return [...sorted.slice(0, most), together("others", `${rest.length} others`, "others", rest)];
}

/** Where bars start and end: each where the one before it ended, or all at zero. */
export function bars(list: readonly Item[], opened: ReadonlySet<string>, running: boolean): Bar[] {
  const found: Bar[] = [];
  let [now, base] = [0, 0];
  const put = (item: Item, depth: number, from: readonly [number, number]) => {
    const [a, b] = running ? from : [0, 0];
    found.push({ item, now: [a, a + item.now], base: [b, b + item.base], depth });
  };
  for (const item of list) {
    put(item, 0, [now, base]);
    if (opened.has(item.key)) {
      let [a, b] = [now, base];
      for (const part of item.parts) {
        put(part, 1, [a, b]);
        a += part.now;
        b += part.base;
      }
    }
    now += item.now;
    base += item.base;
  }
  return found;
}

/** The bars of one side; the difference runs from the sum of differences before it. */
export function extent(bar: Bar, side: Side): readonly [number, number] {
  if (side === "now") return bar.now;
  if (side === "baseline") return bar.base;
  return [bar.now[0] - bar.base[0], bar.now[1] - bar.base[1]];
}

/** The ends of the axis: zero is always on it. */
export function axis(list: readonly Bar[], side: Side): readonly [number, number] {
  let [low, high] = [0, 0];
  for (const bar of list) {
    const ends = side === "difference" ? extent(bar, side) : [...bar.now, ...bar.base];
    for (const end of ends) {
      if (end < low) low = end;
      if (end > high) high = end;
    }
  }
  return low === 0 && high === 0 ? [0, 1] : [low, high];
}
