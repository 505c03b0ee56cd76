import type { Entry } from "../wire/types";

export interface HeadPlace {
  layer: number;
  head: number;
}

const HEAD = /^L(\d+)H(\d+)/;

export function isHead(address: string): boolean {
  return HEAD.test(address);
}

export function headOf(address: string): HeadPlace | null {
  const found = HEAD.exec(address);
  return found ? { layer: Number(found[1]), head: Number(found[2]) } : null;
}

export function headAddress({ layer, head }: HeadPlace): string {
  return `L${layer}H${head}`;
}

/** What a part is, in words. */
export function partName(address: string): string {
  const head = headOf(address);
  if (head) return `attention head ${head.head} of layer ${head.layer}`;
  const layer = /^L(\d+)\./.exec(address)?.[1];
  const rest = address.replace(/^L\d+\./, "");
  const neuron = /^mlp\.n(\d+)/.exec(rest)?.[1];
  if (neuron !== undefined) return `neuron ${neuron} of the MLP, layer ${layer}`;
  const names: Record<string, string> = {
    mlp: "MLP",
    attn: "all of the attention",
    ln1: "norm before attention",
    ln2: "norm before the MLP",
    ln_final: "final norm",
    "ln1.scale": "scale of the norm before attention",
    "ln2.scale": "scale of the norm before the MLP",
    resid_post: "residual stream after the layer",
    "ln_final.scale": "scale of the final norm",
    embed: "token embedding",
    pos_embed: "position embedding",
    logits: "logits of the next token",
  };
  const name = names[rest] ?? rest;
  return layer === undefined ? name : `${name}, layer ${layer}`;
}

export interface Marks {
  ablated: boolean;
  frozen: boolean;
  pattern: boolean;
  patched: boolean;
  added: boolean;
  set: boolean;
  factor: string | null;
  /** Something else about the part, or a position of it, is changed. */
  other: boolean;
}

const NONE: Marks = {
  ablated: false,
  frozen: false,
  pattern: false,
  patched: false,
  added: false,
  set: false,
  factor: null,
  other: false,
};

/** What is done to each part, by its address: the sum of the entries that are on. */
export function marksOf(entries: readonly Entry[]): ReadonlyMap<string, Marks> {
  const found = new Map<string, Marks>();
  for (const entry of entries) {
    // Edges are drawn as such: neither of their ends is changed itself.
    if (!entry.on || entry.at.includes("->")) continue;
    const [place = ""] = entry.at.split("@");
    const part = drawnPart(place);
    const marks = found.get(part) ?? { ...NONE };
    found.set(part, marks);
    mark(marks, entry, place, part);
  }
  return found;
}

function mark(marks: Marks, entry: Entry, place: string, part: string): void {
  if (place !== part && !(place.endsWith(".pattern") && entry.kind === "freeze")) {
    marks.other = true;
    return;
  }
  if (place.endsWith(".pattern")) marks.pattern = true;
  else if (entry.kind === "zero") marks.ablated = true;
  else if (entry.kind === "freeze") marks.frozen = true;
  else if (entry.kind === "patch") marks.patched = true;
  else if (entry.kind === "add") marks.added = true;
  else if (entry.kind === "set") marks.set = true;
  else marks.factor = `×${entry.text.split("×").pop()?.trim() ?? "?"}`;
}

/** The part on the map that an address belongs to. */
export function drawnPart(place: string): string {
  const head = headOf(place);
  if (head) return headAddress(head);
  const layer = /^L\d+\./.exec(place)?.[0];
  if (!layer) return place.startsWith("ln_final") ? "ln_final.scale" : place;
  const rest = place.slice(layer.length);
  if (rest.startsWith("mlp")) return `${layer}mlp`;
  if (rest.startsWith("ln1")) return `${layer}ln1.scale`;
  if (rest.startsWith("ln2")) return `${layer}ln2.scale`;
  if (rest.startsWith("resid")) return `${layer}resid_post`;
  return place;
}

export function marksText(marks: Marks | undefined): string {
  if (!marks) return "";
  const words = [
    marks.ablated && "ablated",
    marks.frozen && "output frozen",
    marks.pattern && "pattern frozen",
    marks.patched && "patched",
    marks.added && "added to",
    marks.set && "set",
    marks.factor && `scaled ${marks.factor}`,
    marks.other && "changed inside",
  ];
  return words.filter(Boolean).join(", ");
}
