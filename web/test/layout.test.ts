import assert from "node:assert/strict";
import { test } from "node:test";
import { signal } from "@preact/signals";
import { type Size, skeleton } from "../src/layout/defaults";
import { Layout } from "../src/layout/layout";
import { Memory } from "../src/layout/memory";
import { sharesOf } from "../src/layout/Separator";
import {
  type Group,
  groupOf,
  groupsOf,
  isSplit,
  join,
  type Node,
  place,
  readNode,
  resize,
  type Side,
  splitOff,
} from "../src/layout/tree";
import type { Board } from "../src/state/board";
import type { Panel } from "../src/state/panels";
import { UiState } from "../src/state/ui";

const PANELS = [
  { id: "map", kind: "map" },
  { id: "head", kind: "part" },
  { id: "mlp", kind: "part" },
  { id: "logits", kind: "side" },
  { id: "own:a", kind: "side" },
  { id: "interventions", kind: "foot" },
] as const;
const SIZES: readonly Size[] = ["narrow", "medium", "wide"];

function start(size: Size, tall = false): Node {
  return place(skeleton({ size, tall, small: false }), PANELS);
}

/** What must hold in every tree. */
function check(node: Node): void {
  const groups = groupsOf(node);
  const tabs = groups.flatMap((each) => each.tabs);
  assert.deepEqual([...tabs].sort(), PANELS.map((panel) => panel.id).sort());
  assert.deepEqual(groups.flatMap((each) => each.takes).sort(), ["foot", "map", "part", "side"]);
  assert.equal(new Set(groups.map((each) => each.id)).size, groups.length);
  for (const each of groups) {
    assert.ok(each.tabs.length + each.takes.length > 0, "a dock that holds and takes nothing");
    assert.ok(each.front === null || each.tabs.includes(each.front));
  }
  const walk = (inner: Node, above: boolean | null): void => {
    if (!isSplit(inner)) return;
    assert.ok(inner.parts.length > 1, "a split of one");
    assert.ok(inner.row !== above, "a row in a row");
    for (const part of inner.parts) {
      assert.ok(Number.isFinite(part.size) && part.size >= 0);
      assert.ok(part.size > 0 || !inner.row, "a column without a width");
      walk(part.node, inner.row);
    }
  };
  walk(node, null);
  assert.deepEqual(readNode(JSON.parse(JSON.stringify(node))), node);
}

test("each default holds every panel once", () => {
  for (const size of SIZES) for (const tall of [true, false]) check(start(size, tall));
  const wide = start("wide");
  assert.deepEqual(groupOf(wide, "head")?.tabs, ["head", "mlp"]);
  assert.deepEqual(groupOf(start("medium"), "head")?.tabs, ["head", "mlp", "logits", "own:a"]);
});

test("whatever is moved where, the tree stays whole", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (const size of SIZES) {
    let node = start(size);
    for (let i = 0; i < 400; i += 1) {
      const panel = PANELS[random(PANELS.length)]?.id as string;
      const groups = groupsOf(node);
      const target = groups[random(groups.length)] as Group;
      const side = (["left", "right", "above", "below"] as const)[random(4)] as Side;
      const way = random(3);
      if (way === 0) node = join(node, panel, target.id, random(target.tabs.length + 1));
      else if (target.tabs.length === 1 && target.tabs[0] === panel && way === 1) continue;
      else node = splitOff(node, panel, way === 1 ? target.id : null, side);
      check(node);
    }
  }
});

test("a panel lands beside its dock, before or after it", () => {
  const parts = (node: Node | undefined) => (node && isSplit(node) ? node.parts : []);
  const tabs = (node: Node | undefined) => (node && !isSplit(node) ? node.tabs : []);
  const node = splitOff(start("medium"), "logits", "g1", "below");
  assert.deepEqual(
    parts(parts(node)[0]?.node).map((part) => tabs(part.node)),
    [["map"], ["logits"]],
  );
  const edge = splitOff(start("medium"), "logits", null, "left");
  assert.deepEqual(
    parts(edge).map((part) => tabs(part.node)),
    [["logits"], ["map"], []],
  );
});

test("a tab is put before another one", () => {
  const node = start("medium");
  const id = groupOf(node, "head")?.id as string;
  assert.deepEqual(groupOf(join(node, "own:a", id, 0), "head")?.tabs, [
    "own:a",
    "head",
    "mlp",
    "logits",
  ]);
  assert.deepEqual(groupOf(join(node, "head", id, 3), "head")?.tabs, [
    "mlp",
    "logits",
    "head",
    "own:a",
  ]);
});

test("a panel that comes later goes where its kind belongs, in the order of the panels", () => {
  const without = PANELS.filter((panel) => panel.id !== "mlp");
  const node = place(skeleton({ size: "medium", tall: false, small: false }), without);
  assert.deepEqual(groupOf(place(node, PANELS), "mlp")?.tabs, ["head", "mlp", "logits", "own:a"]);
});

test("a text that is no layout is refused", () => {
  const good = start("medium");
  const bad: unknown[] = [
    null,
    7,
    {},
    { id: "g1", tabs: [1], takes: [] },
    { ...good, id: "<b>" },
    { ...good, parts: [] },
    join(good, "head", "g1").id && { id: "g1", tabs: ["map"], takes: ["map"] },
    { id: "s1", row: true, parts: [{ size: -1, node: good }] },
    {
      id: "s1",
      row: true,
      parts: [
        { size: 1, node: good },
        { size: 1, node: good },
      ],
    },
  ];
  for (const each of bad) assert.equal(readNode(each), null, JSON.stringify(each));
  let deep: unknown = good;
  for (let i = 0; i < 40; i += 1)
    deep = { id: `s${i + 9}`, row: true, parts: [{ size: 1, node: deep }] };
  assert.equal(readNode(deep), null);
});

test("resizing keeps the other parts as long as they are", () => {
  const shown = (size: number, index: number) => ({ size, index, shown: {} as never });
  const split = { id: "s1", row: true, parts: [shown(0.4, 0), shown(0.34, 1), shown(0.26, 2)] };
  const sizes = sharesOf(split, 1, [400, 340, 260], 100);
  assert.deepEqual(
    [0, 1, 2].map((i) => Math.round(1000 * (sizes.get(i) ?? 0))),
    [500, 240, 260],
  );
  const column = { id: "s1", row: false, parts: [shown(1, 0), shown(0, 1)] };
  const pulled = sharesOf(column, 1, [600, 200], -100);
  assert.deepEqual([pulled.get(0), pulled.get(1)], [500 / 800, 300 / 800]);
  const node = resize(start("medium"), "s1", new Map([[0, 0.7]]));
  assert.equal(isSplit(node) && node.parts[0]?.size, 0.7);
});

/** A board with as much as a layout asks for. */
function boardOf() {
  const selection = signal<readonly string[]>([]);
  const panel = (id: string, home: Panel["home"], pattern?: RegExp): Panel => ({
    id,
    title: id,
    about: id,
    home,
    ...(pattern && { for: (address: string) => pattern.test(address) }),
    applies: () => !pattern || selection.value.some((address) => pattern.test(address)),
    views: () => [],
    component: () => null,
  });
  const panels = [
    panel("map", "map"),
    panel("head", "side", /^L\d+H/),
    panel("mlp", "side", /mlp/),
    panel("logits", "side"),
    panel("interventions", "foot"),
  ];
  const all = signal(panels);
  const layout = new Layout({ panels: all, selection } as unknown as Board);
  const select = (address: string) => {
    selection.value = [address];
    layout.follow(address);
  };
  const seen = () =>
    layout.visible.value
      .map((each) => each.id)
      .sort()
      .join(" ");
  const make = (id: string) => {
    all.value = [...all.value, panel(id, "side")];
    layout.meet(all.value.map((each) => each.id));
  };
  layout.meet(panels.map((each) => each.id));
  return { layout, select, seen, make };
}

test("the panel made for the selection comes to the front, and only panels in front are seen", () => {
  const { layout, select, seen } = boardOf();
  assert.equal(seen(), "interventions logits map");
  select("L1H2");
  assert.equal(seen(), "head interventions map");
  layout.open("logits");
  assert.equal(seen(), "interventions logits map");
  select("L1.mlp");
  assert.equal(seen(), "interventions map mlp");
  layout.measure(1400, 900);
  assert.equal(seen(), "interventions logits map mlp");
  layout.measure(400, 700);
  assert.equal(seen(), "map");
  layout.open("interventions");
  assert.equal(seen(), "interventions map");
});

test("a panel made while the board is open comes to the front, and one that was there does not", () => {
  const { layout, select, seen, make } = boardOf();
  make("own:a");
  assert.equal(seen(), "interventions logits map");
  layout.ready.value = true;
  make("own:b");
  assert.equal(seen(), "interventions map own:b");
  select("L1H1");
  assert.equal(seen(), "head interventions map");
});

test("a pinned panel stays in front", () => {
  const { layout, select, seen } = boardOf();
  select("L1H2");
  layout.open("logits");
  const main = () => layout.groups.value.find((each) => each.bar);
  layout.pin(main() as never);
  select("L0H0");
  assert.equal(seen(), "interventions logits map");
  layout.pin(main() as never);
  select("L0H1");
  assert.equal(seen(), "head interventions map");
});

test("closed, folded, floating and popped out panels come back to their place", () => {
  const { layout, seen } = boardOf();
  layout.close("logits");
  assert.equal(seen(), "interventions map");
  layout.open("logits");
  layout.fold("g4", true);
  assert.equal(seen(), "logits map");
  layout.open("interventions");
  layout.detach("map");
  assert.deepEqual(
    layout.floats.value.map((float) => float.id),
    ["map"],
    "no window: it floats",
  );
  assert.equal(seen(), "interventions logits map");
  layout.popOut = () => true;
  layout.detach("map");
  assert.deepEqual([layout.floats.value.length, layout.popped.value], [0, ["map"]]);
  assert.equal(seen(), "interventions logits map");
  layout.dock("map");
  assert.equal(groupOf(layout.tree.value, "map")?.id, "g1");
});

test("what is written is read again, at each width", () => {
  const one = boardOf();
  one.layout.split("logits", "g1", "below");
  one.layout.measure(1400, 900);
  one.layout.split("logits", null, "left");
  one.layout.close("interventions");
  const text = JSON.stringify(one.layout.write());
  const two = boardOf();
  two.layout.read(JSON.parse(text));
  assert.equal(JSON.stringify(two.layout.write()), text);
  assert.deepEqual(two.layout.tree.value.id, "s1");
  two.layout.reset();
  assert.equal(JSON.stringify(two.layout.write()), JSON.stringify(boardOf().layout.write()));
});

test("settings are kept with the layout, and nothing is sent that the kernel has", async () => {
  const sent: string[] = [];
  const one = boardOf();
  const ui = new UiState();
  const weighted = ui.local<boolean>("head.weighted", false);
  const memory = new Memory(one.layout, ui, (text) => sent.push(text));
  memory.flush();
  assert.equal(sent.length, 0);
  weighted.value = true;
  one.layout.close("logits");
  memory.flush();
  assert.equal(sent.length, 1);
  memory.stop();

  const two = boardOf();
  const fresh = new UiState();
  const known = fresh.local<number>("other.setting", 3);
  const later = new Memory(two.layout, fresh, (text) => sent.push(text));
  later.begin(sent[0] as string, "place");
  assert.equal(
    String(fresh.local("head.weighted", false).value),
    "true",
    "of a view not drawn before",
  );
  assert.equal(known.value, 3);
  assert.deepEqual(two.layout.closed.value, ["logits"]);
  later.show("not a layout {");
  assert.deepEqual(two.layout.closed.value, ["logits"]);
  known.value = 5;
  later.show("");
  assert.deepEqual(two.layout.closed.value, []);
  assert.equal(known.value, 3, "the default is that of the settings too");
  assert.equal(fresh.local("head.weighted", false).value, false);
  later.flush();
  assert.equal(sent.length, 1);
  later.stop();
});

test("a kept setting of another type is not taken", () => {
  const ui = new UiState();
  ui.restore({ "a.b": "text", "c.d": { deep: 1 }, "e.f": 2 });
  assert.equal(ui.local("a.b", 5).value, 5);
  assert.equal(ui.local("c.d", "first").value, "first");
  assert.equal(ui.local("e.f", 1).value, 2);
});
