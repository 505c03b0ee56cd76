import assert from "node:assert/strict";
import { test } from "node:test";
import { MODELS } from "../dev/models";
import { PALETTES } from "../src/draw/theme";
import type { Picture } from "../src/state/kernel";
import { chosen, circuitRows, ordered, partOf, sizeAt } from "../src/views/circuit/state";
import { circuitWires } from "../src/views/map/edges";
import { layOut } from "../src/views/map/geometry";
import type { CircuitInfo, ModelInfo } from "../src/wire/types";

const grid = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });

/** Two edges of the first circuit alone, one of both, one pruned, one of the second alone. */
function picture(): Picture {
  const info = {
    of: "circuit",
    edges: ["embed->L0H0.q", "L0H0->L1.mlp", "L1.mlp->logits", "embed->L1H0.v", "L1H0->logits"],
    cut: 4,
  } as unknown as CircuitInfo;
  const grids = {
    score: grid(0.5, -2, 1, 0.25, -3),
    kept: grid(1, 1, 1, 0, 0),
    other: grid(0, 0, 1, 0, 1),
  };
  return { view: { kind: "circuit" }, revision: 1, info, problem: null, grids } as Picture;
}

test("each edge is of one circuit or of both, or pruned", () => {
  const rows = circuitRows(picture());
  assert.deepEqual(
    rows.map(({ share, pruned, own }) => [share, pruned, own]),
    [
      ["first", false, true],
      ["first", false, true],
      ["both", false, true],
      ["none", true, true],
      ["second", false, false],
    ],
  );
  assert.deepEqual(circuitRows(null), []);
});

test("a choice of edges, and their order", () => {
  const rows = circuitRows(picture());
  const edges = (some: readonly { edge: string }[]) => some.map(({ edge }) => edge);
  assert.equal(chosen(rows, "all").length, 5);
  assert.deepEqual(edges(chosen(rows, "both")), ["L1.mlp->logits"]);
  assert.deepEqual(edges(chosen(rows, "second")), ["L1H0->logits"]);
  assert.deepEqual(
    ordered(chosen(rows, "first"), "size").map(({ effect }) => effect),
    [-2, 0.5, 0.25],
  );
});

test("every size is somewhere on the slider", () => {
  for (const total of [1, 2, 479, 32_491]) {
    for (const size of [1, 2, 30, 400, total]) {
      if (size <= total) assert.equal(sizeAt(partOf(size, total), total), size);
    }
    assert.equal(sizeAt(1, total), total);
    assert.equal(sizeAt(0, total), 1);
  }
});

test("wires: pruned ones are faint and below, the second circuit's have a colour of their own", () => {
  const layout = layOut(MODELS["4"] as ModelInfo, 430, 640, 1);
  const place = { layout, zoom: { k: 1, x: 0, y: 0 } };
  const palette = PALETTES.light;
  const wires = circuitWires(place, circuitRows(picture()), palette);
  assert.equal(wires.length, 5);
  assert.equal(wires[0]?.edge.address, "embed->L1H0.v");
  assert.ok(wires.slice(1).every(({ look }) => look.alpha > 0.8));
  assert.ok((wires[0]?.look.alpha ?? 1) < 0.3);
  const [largest] = wires.slice(-1);
  assert.equal(largest?.effect, -3);
  assert.equal(largest?.look.colour, palette.accent);
  const colours = new Map(wires.map(({ effect, look }) => [effect, look.colour]));
  assert.ok(colours.get(1) !== colours.get(-2));
  assert.ok(wires.every(({ entry }) => entry === null));
});
