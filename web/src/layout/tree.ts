// The tree of docks, as plain data: every change makes a new tree.

/** What a dock takes in by itself; each kind has one dock. `part`: made for what is selected. */
export type Kind = "map" | "part" | "side" | "foot";
export type Side = "left" | "right" | "above" | "below";

/** Panels behind each other, one of them in front. */
export interface Group {
  id: string;
  tabs: string[];
  front: string | null;
  /** Stays in front, whatever is selected. */
  pinned: boolean;
  /** Only its strip of tabs shows. */
  folded: boolean;
  takes: Kind[];
}

export interface Part {
  /** Its share of the room; 0: as much as its content needs, for groups below each other. */
  size: number;
  node: Node;
}

/** Nodes beside each other (`row`) or below each other. */
export interface Split {
  id: string;
  row: boolean;
  parts: Part[];
}

export type Node = Group | Split;

const NEW_SHARE = 0.3;

export function isSplit(node: Node): node is Split {
  return "parts" in node;
}

export function group(id: string, ...takes: Kind[]): Group {
  return { id, tabs: [], front: null, pinned: false, folded: false, takes };
}

export function split(id: string, row: boolean, ...parts: [number, Node][]): Split {
  return { id, row, parts: parts.map(([size, node]) => ({ size, node })) };
}

export function groupsOf(node: Node): Group[] {
  return isSplit(node) ? node.parts.flatMap((part) => groupsOf(part.node)) : [node];
}

export function groupOf(node: Node, panel: string): Group | undefined {
  return groupsOf(node).find((each) => each.tabs.includes(panel));
}

/** The tree with every group passed through a function. */
export function mapGroups(node: Node, change: (group: Group) => Group): Node {
  if (!isSplit(node)) return change(node);
  const parts = node.parts.map((part) => ({ ...part, node: mapGroups(part.node, change) }));
  return { ...node, parts };
}

export function changeGroup(node: Node, id: string, change: Partial<Group>): Node {
  return mapGroups(node, (each) => (each.id === id ? { ...each, ...change } : each));
}

/** The tree with panels that it does not hold put where their kind belongs, in their order. */
export function place(node: Node, panels: readonly { id: string; kind: Kind }[]): Node {
  const held = new Set(groupsOf(node).flatMap((each) => each.tabs));
  const missing = panels.filter((panel) => !held.has(panel.id));
  if (missing.length === 0) return node;
  const order = new Map(panels.map((panel, index) => [panel.id, index]));
  return mapGroups(node, (each) => {
    const own = missing.filter((panel) => each.takes.includes(panel.kind));
    if (own.length === 0) return each;
    return { ...each, tabs: own.reduce((tabs, { id }) => insert(tabs, id, order), each.tabs) };
  });
}

/** Before the first tab that is offered later than it. */
function insert(tabs: string[], id: string, order: ReadonlyMap<string, number>): string[] {
  const own = order.get(id) ?? 0;
  const at = tabs.findIndex((tab) => (order.get(tab) ?? -1) > own);
  return inserted(tabs, at < 0 ? tabs.length : at, id);
}

function inserted(list: readonly string[], at: number, item: string): string[] {
  return [...list.slice(0, at), item, ...list.slice(at)];
}

function without(node: Node, panel: string): Node {
  return mapGroups(node, (each) =>
    each.tabs.includes(panel)
      ? {
          ...each,
          tabs: each.tabs.filter((tab) => tab !== panel),
          front: each.front === panel ? null : each.front,
        }
      : each,
  );
}

/** The tree with a panel in front of a group, before the tab at `index` or at the end. */
export function join(node: Node, panel: string, target: string, index?: number): Node {
  const before = groupsOf(node).find((each) => each.id === target);
  if (!before) return node;
  const old = before.tabs.indexOf(panel);
  const at = index === undefined ? before.tabs.length : index - (old >= 0 && old < index ? 1 : 0);
  const joined = mapGroups(without(node, panel), (each) =>
    each.id === target
      ? { ...each, tabs: inserted(each.tabs, at, panel), front: panel, folded: false }
      : each,
  );
  return tidy(joined);
}

/** The tree with a panel in a dock of its own beside a group, or at the edge of the whole. */
export function splitOff(node: Node, panel: string, target: string | null, side: Side): Node {
  const numbers = idsOf(node).map((id) => Number(id.slice(1)) || 0);
  const next = Math.max(0, ...numbers) + 1;
  const fresh: Group = { ...group(`g${next}`), tabs: [panel], front: panel };
  const rest = without(node, panel);
  const beside = { fresh, side, splitId: `s${next}` };
  return tidy(target === null ? atEdge(rest, beside) : besideGroup(rest, target, beside));
}

function idsOf(node: Node): string[] {
  return isSplit(node) ? [node.id, ...node.parts.flatMap((part) => idsOf(part.node))] : [node.id];
}

interface Beside {
  fresh: Group;
  side: Side;
  splitId: string;
}

const inRow = (side: Side) => side === "left" || side === "right";
const comesFirst = (side: Side) => side === "left" || side === "above";

function atEdge(node: Node, { fresh, side, splitId }: Beside): Node {
  const row = inRow(side);
  const old = isSplit(node) && node.row === row ? node.parts : [{ size: 1 - NEW_SHARE, node }];
  const total = old.reduce((sum, part) => sum + part.size, 0) || 1;
  const share = (total * NEW_SHARE) / (1 - NEW_SHARE);
  const part: Part = { size: share, node: fresh };
  return { id: splitId, row, parts: comesFirst(side) ? [part, ...old] : [...old, part] };
}

function besideGroup(node: Node, target: string, beside: Beside): Node {
  const { fresh, side, splitId } = beside;
  const row = inRow(side);
  const pair = (a: Part, b: Part) => (comesFirst(side) ? [b, a] : [a, b]);
  if (!isSplit(node)) {
    if (node.id !== target) return node;
    const parts = pair({ size: 0.5, node }, { size: 0.5, node: fresh });
    return { id: splitId, row, parts };
  }
  const parts = node.parts.flatMap((part) => {
    const isTarget = !isSplit(part.node) && part.node.id === target;
    if (!isTarget || node.row !== row) {
      const inner = besideGroup(part.node, target, beside);
      return [{ size: inner === part.node ? part.size : part.size || NEW_SHARE, node: inner }];
    }
    const half = part.size / 2;
    return pair({ ...part, size: half }, { size: half || NEW_SHARE, node: fresh });
  });
  return parts.every((part, i) => part.node === node.parts[i]?.node) ? node : { ...node, parts };
}

/** Drops docks that hold and take nothing, and splits of one. */
export function tidy(node: Node): Node {
  return prune(node) ?? group("g1", "map", "part", "side", "foot");
}

function prune(node: Node): Node | null {
  if (!isSplit(node)) return node.tabs.length + node.takes.length > 0 ? node : null;
  const parts = node.parts.flatMap(({ size, node: inner }): Part[] => {
    const kept = prune(inner);
    if (!kept) return [];
    if (!isSplit(kept) || kept.row !== node.row) return [{ size, node: kept }];
    const total = kept.parts.reduce((sum, part) => sum + part.size, 0) || 1;
    return kept.parts.map((part) => ({ ...part, size: (part.size / total) * (size || NEW_SHARE) }));
  });
  const first = parts[0];
  if (!first) return null;
  if (parts.length === 1) return first.node;
  const sized = node.row ? parts.map((p) => ({ ...p, size: p.size || NEW_SHARE })) : parts;
  return { ...node, parts: sized };
}

/** The tree with the sizes of some parts of a split set. */
export function resize(node: Node, id: string, sizes: ReadonlyMap<number, number>): Node {
  if (!isSplit(node)) return node;
  const parts = node.parts.map((part, index) => ({
    size: (node.id === id && sizes.get(index)) || part.size,
    node: resize(part.node, id, sizes),
  }));
  return { ...node, parts };
}

/** A tree as it was written, or null where the text is not one. */
export function readNode(from: unknown): Node | null {
  const node = nodeFrom(from, 0);
  if (!node) return null;
  const groups = groupsOf(node);
  const once = (all: string[]) => new Set(all).size === all.length;
  const kinds = groups.flatMap((each) => each.takes);
  const whole =
    KINDS.every((kind) => kinds.includes(kind)) &&
    once(kinds) &&
    once(groups.flatMap((each) => each.tabs)) &&
    once(idsOf(node));
  return whole ? tidy(node) : null;
}

const KINDS: readonly Kind[] = ["map", "part", "side", "foot"];
const DEEPEST = 12;

function nodeFrom(from: unknown, depth: number): Node | null {
  if (typeof from !== "object" || from === null || depth > DEEPEST) return null;
  const { id, row, parts, tabs, front, pinned, folded, takes } = from as Record<string, unknown>;
  if (typeof id !== "string" || !/^[a-z]\d*$/.test(id)) return null;
  if (Array.isArray(parts)) {
    const read = parts.map((part: { size?: unknown; node?: unknown } | null) => {
      const node = nodeFrom(part?.node, depth + 1);
      const size = Number(part?.size);
      return node && Number.isFinite(size) && size >= 0 ? { size, node } : null;
    });
    const whole = read.filter((part) => part !== null);
    return whole.length === read.length && whole.length > 0
      ? { id, row: row === true, parts: whole }
      : null;
  }
  if (!isTexts(tabs) || !isTexts(takes)) return null;
  return {
    id,
    tabs,
    front: typeof front === "string" ? front : null,
    pinned: pinned === true,
    folded: folded === true,
    takes: KINDS.filter((kind) => takes.includes(kind)),
  };
}

export function isTexts(from: unknown): from is string[] {
  return Array.isArray(from) && from.every((each) => typeof each === "string");
}
