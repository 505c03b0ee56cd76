import assert from "node:assert/strict";
import { test } from "node:test";
import { MODELS } from "../dev/models";
import { PALETTES } from "../src/draw/theme";
import { marksOf } from "../src/state/address";
import type { Picture } from "../src/state/kernel";
import { classesOf } from "../src/views/map/classes";
import { faintBut, passing, thresholdAt } from "../src/views/map/filter";
import { block, inSight, layOut, type Part, partsIn } from "../src/views/map/geometry";
import { grouped, MEASURES, ofWeights } from "../src/views/map/measures";
import { search } from "../src/views/map/search";
import { sorted, type TableRow, totals } from "../src/views/map/table";
import { mapValues } from "../src/views/map/values";
import type { ModelInfo } from "../src/wire/types";

const four = MODELS["4"] as ModelInfo;
const layout = layOut(four, 430, 640, 1);
const part = (address: string) => layout.byAddress.get(address) as Part;
const grid = (...data: number[]) => ({ data: Float32Array.from(data), shape: [data.length] });
const picture = (grids: Picture["grids"]): Picture => ({
  view: { kind: "classes" },
  revision: 1,
  grids,
  info: null,
  problem: null,
});
const nothing = Float32Array.from({ length: 16 }, () => 0);
const scores = (at: number, value: number) => {
  const data = nothing.slice();
  data[at] = value;
  return { data, shape: [4, 4] };
};
const classes = picture({ induction: scores(9, 0.9), previous: scores(9, 0.5) });
const marks = marksOf([
  { id: 1, at: "L1H2", kind: "zero", text: "", on: true, elsewhere: false },
  { id: 2, at: "L0H0.pattern", kind: "freeze", text: "", on: true, elsewhere: false },
]);
const find = (query: string) =>
  search(query, { parts: layout.parts, heads: 4, classes, marks })?.matches.map((m) => m.address);

test("a search understands addresses, lists of them, layers, classes, states and kinds", () => {
  assert.equal(find("  "), undefined);
  assert.deepEqual(find("l2h1"), ["L2H1"]);
  assert.deepEqual(find("2.1, L0H3 3.0"), ["L2H1", "L0H3", "L3H0"]);
  assert.deepEqual(find("L3"), ["L3H0", "L3H1", "L3H2", "L3H3", "L3.mlp"]);
  assert.deepEqual(find("L2.m"), ["L2.mlp"]);
  assert.deepEqual(find("induc"), ["L2H1"]);
  assert.deepEqual(find("previous-token"), ["L2H1"]);
  assert.deepEqual(find("copying"), []);
  assert.deepEqual(find("ablated"), ["L1H2"]);
  assert.deepEqual(find("froz"), ["L0H0"]);
  assert.deepEqual(find("mlps"), ["L0.mlp", "L1.mlp", "L2.mlp", "L3.mlp"]);
  assert.deepEqual(find("L9H9"), []);
  assert.deepEqual(find("<b>"), []);
});

test("a search says when scores are not there yet", () => {
  const waiting = (found: Picture | null) =>
    search("induction", { parts: layout.parts, heads: 4, classes: found, marks })?.waiting;
  assert.equal(waiting(null), true);
  assert.equal(waiting(classes), false);
  assert.equal(waiting(picture({ induction: scores(0, Number.NaN) })), true);
  assert.deepEqual(
    classesOf(classes, 9).map(([name]) => name),
    ["induction", "previous"],
  );
});

test("the threshold counts whatever the sign, and what lies under it is faint", () => {
  const heads = nothing.slice();
  heads.set([3, -2, 0.1], 0);
  const values = mapValues(
    picture({
      heads_now: { data: heads, shape: [4, 4] },
      mlp_now: grid(1, Number.NaN, 0, 0),
      embed_now: grid(0.5, Number.NaN),
    }),
    4,
    { side: "now", measure: "attribution" },
    PALETTES.light,
  );
  const { addresses, known } = passing(layout.parts, values, 4, 0.9);
  assert.deepEqual(addresses.sort(), ["L0.mlp", "L0H0", "L0H1"]);
  assert.equal(known, 16 + 3 + 1);
  const faint = faintBut(layout.parts, { layers: 4, heads: 4 }, [new Set(addresses)]);
  assert.deepEqual([...(faint?.heads.slice(0, 3) ?? [])], [0, 0, 1]);
  assert.deepEqual([...(faint?.mlp ?? [])], [0, 1, 1, 1]);
  assert.deepEqual([...(faint?.embed ?? [])], [1, 1]);
  assert.equal(faintBut(layout.parts, { layers: 4, heads: 4 }, []), null);
  assert.equal(thresholdAt(0.5, 4), 1);
});

test("values have the unit and scale of their measure", () => {
  const of = (measure: keyof typeof MEASURES, side: "now" | "difference" = "now") =>
    mapValues(picture({ heads_now: grid(0.2) }), 1, { side, measure }, PALETTES.dark).scale;
  assert.deepEqual(of("induction").domain, [0, 1]);
  assert.deepEqual(of("copying").domain, [-1, 1]);
  assert.ok(Math.abs(of("norm").domain[1] - 0.2) < 1e-6);
  assert.equal(of("norm").signed, false);
  assert.equal(of("norm", "difference").signed, true);
  assert.equal(of("gradient").signed, true);
  const names = grouped().flatMap(([, each]) => each);
  assert.deepEqual(names.sort(), Object.keys(MEASURES).sort());
  assert.ok(ofWeights("copying") && ofWeights("previous") && !ofWeights("effect"));
});

test("a rectangle takes the heads and MLPs in it; alone, what else is there", () => {
  const [low, high] = [part("L1H1"), part("L2H2")];
  const box = {
    x: low.x,
    y: high.y,
    width: high.x + high.width - low.x,
    height: low.y + low.height - high.y,
  };
  const found = partsIn(layout, box).map((p) => p.address);
  assert.deepEqual(found.sort(), ["L1H1", "L1H2", "L2H1", "L2H2"]);
  const norm = part("L1.ln1.scale");
  assert.deepEqual(partsIn(layout, norm), [norm]);
  const keys = block(layout, part("L1H1"), part("L2H2")).map((p) => p.address);
  assert.deepEqual(keys.sort(), found);
  const mixed = block(layout, part("L1H3"), part("L1.mlp")).map((p) => p.address);
  assert.deepEqual(mixed.sort(), ["L1.mlp", "L1H3"]);
});

test("only the heads in sight are drawn", () => {
  const large = layOut(MODELS["96"] as ModelInfo, 900, 800, 0);
  const whole = inSight(large, { k: 1, x: 0, y: 0 });
  assert.deepEqual(whole, { from: 0, to: 96, left: 0, right: 96 });
  const head = large.byAddress.get("L40H60") as Part;
  const zoom = { k: 10, x: 450 - head.x * 10, y: 400 - head.y * 10 };
  const near = inSight(large, zoom);
  assert.ok(near.from <= 40 && near.to > 40 && near.left <= 60 && near.right > 60);
  assert.ok((near.to - near.from) * (near.right - near.left) < 400);
  for (const row of large.rows) {
    for (const each of row) {
      const [x, y] = [each.x * 10 + zoom.x, each.y * 10 + zoom.y];
      const seen = x < 900 && y < 800 && x + each.width * 10 > 0 && y + each.height * 10 > 0;
      const { layer, index } = each;
      const drawn =
        layer >= near.from && layer < near.to && index >= near.left && index < near.right;
      assert.ok(!seen || drawn, each.address);
    }
  }
});

test("the table sorts by number or text, what is empty last, and adds up", () => {
  const row = (name: string, now: number, text = "", counted = true): TableRow => ({
    key: name,
    part: name,
    what: "",
    now,
    baseline: 1,
    difference: now - 1,
    class: text,
    state: "",
    signed: true,
    selectable: true,
    counted,
  });
  const rows = [row("a", 2, "x"), row("b", Number.NaN), row("c", -5, "b"), row("d", 1, "", false)];
  const order = (by: "now" | "class" | "part", down: boolean) =>
    sorted(rows, { by, down })
      .map((each) => each.part)
      .join("");
  assert.equal(order("now", true), "adcb");
  assert.equal(order("now", false), "cdab");
  assert.equal(order("class", false), "cabd");
  assert.equal(order("part", true), "dcba");
  assert.deepEqual(totals(rows), { now: -3, baseline: 3 });
});
