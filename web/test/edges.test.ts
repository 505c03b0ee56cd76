import assert from "node:assert/strict";
import { test } from "node:test";
import { MODELS } from "../dev/models";
import { signedScale } from "../src/draw/colour";
import { PALETTES } from "../src/draw/theme";
import {
  type Box,
  boundsOf,
  curveBetween,
  distance,
  endAngle,
  nearest,
  pointAt,
  portOf,
} from "../src/edges/curve";
import { canReceive, canSend, comesBefore, inputLabel, parseEdge } from "../src/edges/edge";
import {
  cableLook,
  DASHES,
  effectColour,
  effectWidth,
  kindsOf,
  strongest,
  type Wire,
} from "../src/edges/wire";
import { marksOf } from "../src/state/address";
import type { Picture } from "../src/state/kernel";
import {
  closedAreas,
  edgeBox,
  firstReceiver,
  looseCurve,
  mapWires,
  nextReceiver,
  topOf,
} from "../src/views/map/edges";
import { layOut } from "../src/views/map/geometry";
import { ordered, pathRows } from "../src/views/paths/state";
import type { Entry, ModelInfo } from "../src/wire/types";

const get = (name: string) => MODELS[name] as ModelInfo;
const four = get("4");
const layout = layOut(four, 430, 640, 1);
const still = { k: 1, x: 0, y: 0 };
const place = { layout, zoom: still };
const entry = (at: string, kind: Entry["kind"] = "patch", on = true, id = 1): Entry => ({
  id,
  at,
  kind,
  text: `${kind} ${at}`,
  elsewhere: false,
  on,
});
const unknown = () => Number.NaN;

test("an edge is read from its address, and its ends are parts of the map", () => {
  const edge = parseEdge("L0H1->mlps->L2H3.k@-1");
  assert.deepEqual(
    [edge?.sender, edge?.receiver, edge?.input, edge?.mlps],
    ["L0H1", "L2H3", "k", true],
  );
  assert.equal(parseEdge("embed->L0.mlp")?.input, "");
  assert.equal(parseEdge("L3.mlp->logits")?.receiver, "logits");
  assert.equal(parseEdge("L2H1.pattern"), null);
  const neuron = parseEdge("L0H1->L2.mlp.n17@3");
  assert.equal(neuron?.receiver, "L2.mlp");
  assert.deepEqual(neuron?.ends, ["L0H1", "L2.mlp.n17"]);
  assert.deepEqual(
    ["L0H1->L2H3", "L0H1->L2H3.v", "L0H1->logits"].map((text) => {
      const found = parseEdge(text);
      return found && inputLabel(found);
    }),
    ["qkv", "v", ""],
  );
});

test("only what comes later receives; in a parallel model nothing beside", () => {
  const yes = (model: ModelInfo, from: string, to: string) => comesBefore(model, from, to);
  assert.ok(
    yes(four, "L0H1", "L1H0") && yes(four, "embed", "L0H0") && yes(four, "L3.mlp", "logits"),
  );
  assert.ok(yes(four, "L1H2", "L1.mlp") && yes(four, "L1.attn", "L1.mlp"));
  assert.ok(!yes(four, "L1.mlp", "L1.mlp") && !yes(four, "L1H0", "L1H1"));
  assert.ok(!yes(four, "L2H0", "L1H1") && !yes(four, "logits", "L1H1"));
  assert.ok(!yes(four, "L0H0", "L1.attn") && !yes(four, "L0H0", "L1.ln1.scale"));
  const parallel = get("6");
  assert.ok(!yes(parallel, "L1H2", "L1.mlp") && yes(parallel, "L1H2", "L2.mlp"));
  assert.ok(canSend("L0.attn") && !canReceive("L0.attn") && !canSend("logits"));
});

test("a curve leaves the top of its sender and enters the bottom of its receiver", () => {
  for (const name of ["1", "2", "4", "6", "12", "96"]) {
    for (const zoom of [1, 7]) {
      const fit = layOut(get(name), 430, 640, zoom);
      const layers = get(name).n_layers;
      for (const [from, to] of [
        ["embed", "L0H0"],
        ["L0H0", `L${layers - 1}H0`],
        [`L${layers - 1}H0`, "logits"],
      ] as const) {
        if (!comesBefore(get(name), from, to)) continue;
        const [a, b] = [from, to].map((part) => edgeBox(fit, still, part)) as [Box, Box];
        const curve = curveBetween(a, b, "");
        assert.deepEqual(curve.from, [a.x + a.width / 2, a.y]);
        assert.deepEqual(curve.to, [b.x + b.width / 2, b.y + b.height]);
        assert.ok(Math.abs(endAngle(curve) + Math.PI / 2) < 1e-6, "it ends upwards");
      }
    }
  }
});

test("q, k and v enter side by side and are dashed differently", () => {
  const box = { x: 10, y: 20, width: 50, height: 30 };
  const [q, k, v] = (["q", "k", "v"] as const).map((input) => portOf(box, input)[0]);
  assert.ok(q && k && v && q < k && k < v && q > 10 && v < 60);
  assert.equal(new Set([DASHES.q, DASHES.k, DASHES.v, DASHES[""]].map(String)).size, 4);
});

test("a head feeds the MLP beside it from side to side", () => {
  const parts = layOut(get("96"), 430, 640, 1);
  const [a, b] = ["L3H2", "L3.mlp"].map((part) => edgeBox(parts, still, part)) as [Box, Box];
  const curve = curveBetween(a, b, "");
  assert.equal(curve.from[0], a.x + a.width);
  assert.equal(curve.to[0], b.x);
  assert.ok(pointAt(curve, 0.5)[1] < a.y + a.height / 2, "it bends upwards");
});

test("a point is on a curve or off it, and the nearest curve is found", () => {
  const wires = mapWires(
    place,
    [entry("L0H0->L3H0.q"), entry("L0H3->L3H3.v", "zero", true, 2)],
    unknown,
    null,
    PALETTES.light,
  );
  assert.equal(wires.length, 2);
  for (const { curve, edge } of wires) {
    for (const t of [0, 0.3, 0.5, 0.9, 1]) {
      const [x, y] = pointAt(curve, t);
      assert.ok(distance(curve, x, y) < 1.5);
      assert.equal(nearest(wires, x + 2, y, 6)?.edge.address, edge.address);
      const box = boundsOf(curve);
      assert.ok(x >= box.x - 1e-6 && y >= box.y - 1e-6 && y <= box.y + box.height + 1e-6);
    }
  }
  assert.equal(nearest(wires, 2, 2, 6), null);
});

test("edges follow the map as it is zoomed and moved", () => {
  const entries = [entry("L0H1->L2H2.k")];
  const zoom = { k: 3, x: -40, y: 25 };
  const [here, there] = [still, zoom].flatMap((each) =>
    mapWires({ layout, zoom: each }, entries, unknown, null, PALETTES.light),
  ) as [Wire, Wire];
  assert.ok(Math.abs(there.curve.from[0] - (here.curve.from[0] * 3 - 40)) < 1e-9);
  assert.ok(Math.abs(there.curve.to[1] - (here.curve.to[1] * 3 + 25)) < 1e-9);
  assert.equal(there.look.width, here.look.width);
});

test("the strongest are drawn, the strongest of them last, and the list's edges over them", () => {
  const row = (edge: string, effect: number) => ({
    edge,
    now: effect,
    baseline: effect,
    effect,
    share: 0,
  });
  const rows = [
    row("L0H0->L3H0.q", 0.5),
    row("L0H1->L3H0.k", -2),
    row("L0H2->L3H0.v", Number.NaN),
    row("L1H2->L3H0.v", 0),
    row("L1H1->L3H0.v", 1),
  ];
  assert.deepEqual(
    strongest(rows, 2).map(({ effect }) => effect),
    [1, -2],
  );
  const drawn = { rows, top: 3 };
  assert.equal(topOf(drawn), 2);
  const wires = mapWires(
    place,
    [entry("L0H0->logits"), entry("L1H2"), entry("L0H3->mlps->L2H2", "zero", false, 3)],
    (id) => id * 10,
    drawn,
    PALETTES.light,
  );
  assert.deepEqual(
    wires.map(({ edge, effect }) => [edge.sender, effect]),
    [
      ["L0H0", 0.5],
      ["L1H1", 1],
      ["L0H1", -2],
      ["L0H0", 10],
      ["L0H3", 30],
    ],
  );
  assert.equal(kindsOf(wires), "cut k mlps off patch q v");
  assert.ok((wires[4]?.look.alpha ?? 1) < 0.5);
});

test("width and colour are symmetric round zero, and the smallest can still be seen", () => {
  const scale = signedScale(PALETTES.light, 2);
  assert.equal(effectWidth(scale, -1), effectWidth(scale, 1));
  assert.ok(effectWidth(scale, 2) > effectWidth(scale, 1) && effectWidth(scale, 1e-6) > 1);
  assert.ok(effectColour(scale, 1) !== effectColour(scale, -1));
  assert.ok(effectColour(scale, 1e-6) !== effectColour(scale, -1e-6));
  assert.equal(cableLook(entry("L0H0->logits", "zero"), PALETTES.light).mark, "cut");
  assert.equal(cableLook(entry("L0H0->logits", "scale"), PALETTES.light).mark, "changed");
});

test("while an edge is drawn, arrows go over parts that can receive alone", () => {
  assert.equal(firstReceiver(four, layout, "L1H2"), "L2H2");
  assert.equal(firstReceiver(four, layout, "embed"), "L0H0");
  assert.equal(firstReceiver(four, layout, "L3.mlp"), "logits");
  const from = (to: string) => ({ from: "L1H2", to, at: null });
  assert.equal(nextReceiver(four, layout, from("L2H2"), "up"), "L3H2");
  assert.equal(nextReceiver(four, layout, from("L3H2"), "up"), "logits");
  assert.equal(nextReceiver(four, layout, from("L2H3"), "right"), "L2.mlp");
  assert.equal(nextReceiver(four, layout, from("L2H0"), "left"), "L2H0");
  assert.equal(nextReceiver(four, layout, from("L2H1"), "down"), "L2H1");
});

test("what cannot receive is covered, row by row", () => {
  const areas = closedAreas(four, layout, "L1H2");
  // Two rows of heads, and the MLP of the first layer: that of the second reads this head.
  assert.equal(areas.length, 3);
  assert.equal(closedAreas(four, layout, "embed").length, 0);
  assert.ok(looseCurve(layout, still, { from: "L1H2", to: null, at: { x: 9, y: 9 } }));
  assert.equal(looseCurve(layout, still, { from: "L1H2", to: null, at: null }), null);
});

test("rows have the numbers of a side, their shares add up, and the unknown come last", () => {
  const grid = (...data: number[]) => ({ data: Float32Array.from(data), shape: [data.length] });
  const picture: Picture = {
    view: { kind: "paths", part: "L2H1", way: "into", mlps: false, zero: false },
    revision: 1,
    problem: null,
    info: {
      of: "paths",
      edges: ["embed->L2H1.q", "L0H0->L2H1.q", "L0H1->L2H1.q"],
      how: "patch",
      metric: true,
      no_patch: "",
      hint: "",
    },
    grids: { effect_now: grid(1, Number.NaN, -3), effect_base: grid(2, 5, -3) },
  };
  const rows = pathRows(picture, "now");
  assert.deepEqual(
    ordered(rows, "size").map(({ edge }) => edge.split("->")[0]),
    ["L0H1", "embed", "L0H0"],
  );
  assert.ok(Math.abs((rows[0]?.share ?? 0) - 0.25) < 1e-6);
  const change = pathRows(picture, "difference");
  assert.deepEqual([change[0]?.effect, change[2]?.effect], [-1, 0]);
});

test("an edge marks neither of its ends", () => {
  assert.equal(marksOf([entry("L0H1->L2H2.k"), entry("L1H1->mlps->logits")]).size, 0);
});
