import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Board } from "../state/board";
import type { Panel } from "../state/panels";
import { type Room, roomOf, type Size, skeleton } from "./defaults";
import {
  changeGroup,
  type Group,
  groupOf,
  isSplit,
  isTexts,
  join,
  type Kind,
  type Node,
  place,
  readNode,
  resize,
  type Side,
  splitOff,
} from "./tree";

/** A dock as it is on screen. */
export interface ShownGroup {
  group: Group;
  /** The panels that have something to show. */
  tabs: readonly Panel[];
  front: Panel | null;
  /** Whether the selection and what can be done to it stand above it. */
  bar: boolean;
}

export interface ShownSplit {
  id: string;
  row: boolean;
  parts: readonly { index: number; size: number; shown: Shown }[];
}

export type Shown = ShownGroup | ShownSplit;

/** A panel that floats over the board, in CSS pixels of the room for docks. */
export interface Float {
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const FIRST_FLOAT = { x: 48, y: 48, width: 440, height: 380 };
const FLOAT_STEP = 28;

function kindOf(panel: Panel): Kind {
  return panel.home === "side" && panel.for ? "part" : panel.home;
}

/** Where the panels of one board are, which of them can be seen, and what can be done about it. */
export class Layout {
  readonly room: Signal<Room> = signal({ size: "medium", tall: false, small: false });
  /** Whether the board's memory has been asked. */
  readonly ready = signal(false);
  readonly closed: Signal<readonly string[]> = signal([]);
  readonly floats: Signal<readonly Float[]> = signal([]);
  /** The panels that are in windows of their own. */
  readonly popped: Signal<readonly string[]> = signal([]);
  /** Opens a window for a panel; false where the browser does not allow it. */
  popOut: (panel: Panel) => boolean = () => false;

  private met: ReadonlySet<string> = new Set();
  private applied: readonly Panel[] = [];
  /** Begins the ids of this board's elements: there may be several boards on a page. */
  private readonly prefix = `cb-${Math.random().toString(36).slice(2, 8)}`;
  /** Only layouts that somebody has changed. */
  private readonly trees: Signal<Partial<Record<Size, Node>>> = signal({});
  /** The panel that the selection has brought to the front. */
  private readonly lead: Signal<string | null> = signal(null);

  /** The panels that have something to show; the same list for as long as they are the same. */
  readonly applying: ReadonlySignal<readonly Panel[]> = computed(() => {
    const now = this.board.panels.value.filter((panel) => panel.applies(this.board));
    const same = now.length === this.applied.length && now.every((p, i) => p === this.applied[i]);
    if (!same) this.applied = now;
    return this.applied;
  });
  readonly tree: ReadonlySignal<Node> = computed(() => {
    const room = this.room.value;
    const node = this.trees.value[room.size] ?? skeleton(room);
    return place(
      node,
      this.board.panels.value.map((panel) => ({ id: panel.id, kind: kindOf(panel) })),
    );
  });
  readonly shown: ReadonlySignal<Shown | null> = computed(() => {
    const away = [
      ...this.closed.value,
      ...this.popped.value,
      ...this.floats.value.map((float) => float.id),
    ];
    const docked = this.applying.value.filter((panel) => !away.includes(panel.id));
    return this.show(this.tree.value, new Map(docked.map((panel) => [panel.id, panel])));
  });
  readonly groups: ReadonlySignal<readonly ShownGroup[]> = computed(() =>
    this.shown.value ? shownGroups(this.shown.value) : [],
  );
  /** The panels that can be seen. */
  readonly visible: ReadonlySignal<readonly Panel[]> = computed(() => {
    const fronts = this.groups.value.filter(({ group }) => !group.folded).map((g) => g.front?.id);
    const floating = this.floats.value.map((float) => float.id);
    const seen = new Set([...fronts, ...floating, ...this.popped.value]);
    return this.applying.value.filter((panel) => seen.has(panel.id));
  });

  constructor(private readonly board: Board) {}

  private show(node: Node, docked: ReadonlyMap<string, Panel>): Shown | null {
    if (isSplit(node)) {
      const parts = node.parts.flatMap((part, index) => {
        const shown = this.show(part.node, docked);
        return shown ? [{ index, size: part.size, shown }] : [];
      });
      const only = parts.length === 1 ? parts[0] : undefined;
      if (only) return only.shown;
      return parts.length ? { id: node.id, row: node.row, parts } : null;
    }
    const tabs = node.tabs.flatMap((id) => docked.get(id) ?? []);
    const bar = node.takes.includes("part");
    if (tabs.length === 0 && !bar) return null;
    const named = (id: string | null) => tabs.find((panel) => panel.id === id);
    const own = named(node.front) ?? tabs[0] ?? null;
    // A map in the same dock is where the selecting is done: nothing comes before it.
    const led = node.pinned || own?.home === "map" ? undefined : named(this.lead.value);
    return { group: node, tabs, front: led ?? own, bar };
  }

  measure(width: number, height: number): void {
    const [now, before] = [roomOf(width, height), this.room.peek()];
    const same = now.size === before.size && now.tall === before.tall && now.small === before.small;
    if (!same) this.room.value = now;
  }

  panel(id: string): Panel | undefined {
    return this.board.panels.value.find((panel) => panel.id === id);
  }

  elementId(panel: string): string {
    return `${this.prefix}-${panel.replace(/[^\w-]/g, "_")}`;
  }

  isVisible(id: string): boolean {
    return this.visible.value.some((panel) => panel.id === id);
  }

  /** A part is about to be selected in a panel: that panel is not covered by the part's own. */
  from(panel: string, address: string): void {
    this.origin = { panel, address };
  }

  /** A part is selected: the panel made for it comes to the front, unless another is pinned. */
  follow(address: string | undefined): void {
    if (this.origin?.address !== address) this.origin = null;
    const fits = (panel: Panel | null) => Boolean(address && panel?.for?.(address));
    const found = this.applying.peek().find(fits);
    const home = found && this.groups.peek().find(({ tabs }) => tabs.includes(found));
    if (home && !fits(home.front) && home.front?.id !== this.origin?.panel)
      this.lead.value = found.id;
  }

  /** A panel that somebody makes while the board is open comes to the front. */
  meet(ids: readonly string[]): void {
    const fresh = ids.filter((id) => !this.met.has(id));
    this.met = new Set(ids);
    const last = fresh[fresh.length - 1];
    if (this.ready.peek() && last !== undefined) this.lead.value = last;
  }

  private origin: { panel: string; address: string } | null = null;

  private change(change: (tree: Node) => Node): void {
    this.trees.value = { ...this.trees.peek(), [this.room.peek().size]: change(this.tree.peek()) };
  }

  /** Brings a panel into sight, wherever it is; opens it where it is closed. */
  open(id: string): void {
    batch(() => {
      this.closed.value = this.closed.peek().filter((each) => each !== id);
      const home = groupOf(this.tree.peek(), id);
      if (home?.tabs.includes(this.lead.peek() ?? "")) this.lead.value = null;
      if (!home || (home.front === id && !home.folded)) return;
      this.change((tree) => changeGroup(tree, home.id, { front: id, folded: false }));
    });
  }

  close(id: string): void {
    batch(() => {
      this.dock(id);
      this.closed.value = [...this.closed.peek().filter((each) => each !== id), id];
    });
  }

  /** Back from a window or from floating to its place among the docks. */
  dock(id: string): void {
    batch(() => {
      this.popped.value = this.popped.peek().filter((each) => each !== id);
      this.floats.value = this.floats.peek().filter((float) => float.id !== id);
    });
  }

  /** In a window of its own; over the board where the browser opens none. */
  detach(id: string): void {
    const panel = this.panel(id);
    if (!panel || this.popped.peek().includes(id)) return;
    if (!this.popOut(panel)) {
      this.float(id);
      return;
    }
    batch(() => {
      this.dock(id);
      this.popped.value = [...this.popped.peek(), id];
    });
  }

  float(id: string): void {
    const shift = FLOAT_STEP * this.floats.peek().length;
    const { x, y } = FIRST_FLOAT;
    this.putFloat({ ...FIRST_FLOAT, id, x: x + shift, y: y + shift });
  }

  putFloat(float: Float): void {
    this.floats.value = [...this.floats.peek().filter((each) => each.id !== float.id), float];
  }

  join(id: string, target: string, index?: number): void {
    batch(() => {
      this.settle(id);
      this.change((tree) => join(tree, id, target, index));
    });
  }

  /** Into a dock of its own beside a dock; with null, at the edge of the whole. */
  split(id: string, target: string | null, side: Side): void {
    batch(() => {
      this.settle(id);
      this.change((tree) => splitOff(tree, id, target, side));
    });
  }

  private settle(id: string): void {
    this.dock(id);
    if (this.lead.peek() === id) this.lead.value = null;
  }

  pin({ group, front }: ShownGroup): void {
    const pinned = !group.pinned;
    this.change((tree) => changeGroup(tree, group.id, { pinned, front: front?.id ?? null }));
  }

  fold(id: string, folded: boolean): void {
    this.change((tree) => changeGroup(tree, id, { folded }));
  }

  resize(split: string, sizes: ReadonlyMap<number, number>): void {
    this.change((tree) => resize(tree, split, sizes));
  }

  /** The default, at every width. */
  reset(): void {
    batch(() => {
      this.trees.value = {};
      this.closed.value = [];
      this.floats.value = [];
      this.lead.value = null;
    });
  }

  /** What is worth keeping, as plain data. Reads signals. */
  write(): object {
    const [trees, closed, floats] = [this.trees.value, this.closed.value, this.floats.value];
    return { trees, closed, floats };
  }

  /** Takes what was written; what cannot be read is left at its default. */
  read(from: Record<string, unknown>): void {
    const { trees, closed, floats } = from;
    const given = typeof trees === "object" && trees !== null ? Object.entries(trees) : [];
    const read = given.flatMap(([size, text]) => {
      const node = readNode(text);
      return node && ["narrow", "medium", "wide"].includes(size) ? [[size, node]] : [];
    });
    batch(() => {
      this.trees.value = Object.fromEntries(read) as Partial<Record<Size, Node>>;
      this.closed.value = isTexts(closed) ? closed : [];
      this.floats.value = Array.isArray(floats) ? floats.filter(isFloat) : [];
    });
  }

  /** Where a panel could be put together with others: the docks beside its own. */
  others(id: string): readonly ShownGroup[] {
    const own = groupOf(this.tree.value, id)?.id;
    return this.groups.value.filter(({ group, front }) => group.id !== own && front);
  }
}

function shownGroups(shown: Shown): ShownGroup[] {
  return "parts" in shown ? shown.parts.flatMap((part) => shownGroups(part.shown)) : [shown];
}

function isFloat(from: unknown): from is Float {
  if (typeof from !== "object" || from === null) return false;
  const { id, x, y, width, height } = from as Record<string, unknown>;
  return typeof id === "string" && [x, y, width, height].every(Number.isFinite);
}
