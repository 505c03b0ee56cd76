import { type Marks, partName } from "../../state/address";
import type { Picture } from "../../state/kernel";
import { CLASS_NAMES, CLASSES, type ClassName, complete, membersOf } from "./classes";
import type { Part } from "./geometry";

export interface Match {
  address: string;
  note: string;
}

export interface Found {
  title: string;
  matches: Match[];
  /** Scores that the answer needs are not all there yet. */
  waiting: boolean;
}

export interface Ground {
  parts: readonly Part[];
  heads: number;
  classes: Picture | null;
  marks: ReadonlyMap<string, Marks>;
}

const STATES: Readonly<Record<string, (marks: Marks) => boolean>> = {
  ablated: (marks) => marks.ablated,
  frozen: (marks) => marks.frozen || marks.pattern,
  scaled: (marks) => marks.factor !== null,
  patched: (marks) => marks.patched,
  added: (marks) => marks.added,
  set: (marks) => marks.set,
  changed: () => true,
};

const KINDS: Readonly<Record<string, Part["kind"]>> = {
  heads: "head",
  mlps: "mlp",
  norms: "norm",
  attention: "attn",
};

/** The class that a text begins the name of. */
export function classNamed(query: string): ClassName | null {
  const text = query.trim().toLowerCase();
  if (text.length < 3) return null;
  return CLASS_NAMES.find((name) => CLASSES[name].startsWith(text) || name === text) ?? null;
}

function one(ground: Ground, text: string): Match | null {
  const pair = /^l?(\d+)[.:h](\d+)$/.exec(text);
  const wanted = pair ? `l${pair[1]}h${pair[2]}` : text;
  const part = ground.parts.find((each) => each.address.toLowerCase() === wanted);
  return part ? { address: part.address, note: partName(part.address) } : null;
}

function byClass(ground: Ground, name: ClassName): Found {
  const matches = membersOf(ground.classes, name).map(([index, score]) => ({
    address: `L${Math.floor(index / ground.heads)}H${index % ground.heads}`,
    note: score.toFixed(2),
  }));
  return {
    title: `${CLASSES[name]} heads, score over 0.4`,
    matches,
    waiting: !complete(ground.classes, name),
  };
}

function all(title: string, parts: readonly Part[]): Found {
  const matches = parts.map(({ address }) => ({ address, note: partName(address) }));
  return { title, matches, waiting: false };
}

/** Parts that a text is about: addresses (also 9.6), a class, a state, a kind; null for no text. */
export function search(query: string, ground: Ground): Found | null {
  const text = query.trim().toLowerCase();
  if (!text) return null;
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const named = words.map((word) => one(ground, word));
  if (named.every((match) => match !== null)) {
    return { title: "", matches: named as Match[], waiting: false };
  }
  const inClass = classNamed(text);
  if (inClass) return byClass(ground, inClass);
  const state = text.length > 2 && Object.keys(STATES).find((name) => name.startsWith(text));
  if (state) {
    const is = STATES[state] as (marks: Marks) => boolean;
    const marked = ground.parts.filter((part) => {
      const marks = ground.marks.get(part.address);
      return marks !== undefined && is(marks);
    });
    return all(`parts that are ${state}`, marked);
  }
  const kind = text.length > 2 && Object.keys(KINDS).find((name) => name.startsWith(text));
  if (kind) {
    return all(
      kind,
      ground.parts.filter((part) => part.kind === KINDS[kind]),
    );
  }
  const layer = /^l(?:ayer)?\s*(\d+)$/.exec(text)?.[1];
  const inLayer = (part: Part) =>
    layer !== undefined && part.layer === Number(layer) && /^(head|mlp)$/.test(part.kind);
  const begins = (part: Part) => part.address.toLowerCase().startsWith(text);
  return all(
    layer === undefined ? "" : `heads and MLP of layer ${layer}`,
    ground.parts.filter(layer === undefined ? begins : inLayer),
  );
}
