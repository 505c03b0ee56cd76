import assert from "node:assert/strict";
import { test } from "node:test";
import { marksOf, partName } from "../src/state/address";
import type { Picture } from "../src/state/kernel";
import { mlpPlace } from "../src/views/mlp/place";
import { columnOf, neuronRows, sorted } from "../src/views/mlp/rows";
import { normPlace } from "../src/views/norm/place";
import { bySize, throughRows } from "../src/views/norm/rows";
import { onSide } from "../src/views/shared/sides";
import { range } from "../src/views/shared/TokenBars";
import type { Entry } from "../src/wire/types";

const floats = (...values: number[]) => new Float32Array(values);

const grids = {
  neurons: { data: floats(4, 9, 2), shape: [3] },
  act_now: { data: floats(0, 1, 2, 3, 4, 5), shape: [3, 2] },
  act_base: { data: floats(0, 0, 0, 0, 0, 0), shape: [3, 2] },
  direct_now: { data: floats(0.5, -2, 1), shape: [3] },
  direct_base: { data: floats(0.5, 1, 3), shape: [3] },
  ablation_now: { data: floats(Number.NaN, 1, -4), shape: [3] },
  ablation_base: { data: floats(Number.NaN, 1, Number.NaN), shape: [3] },
};
const picture = { grids } as unknown as Picture;

test("the selection says which MLP and which of its neurons", () => {
  assert.equal(mlpPlace(["L1H2", "L1.ln2.scale"]), null);
  assert.deepEqual(mlpPlace(["L1.mlp"]), { layer: 1, neurons: [] });
  const several = mlpPlace(["L0.mlp.n7", "L1.mlp.n3@-1", "L1H0", "L1.mlp.n12"]);
  assert.deepEqual(several, { layer: 1, neurons: [3, 12] });
  assert.equal(partName("L2.mlp.n5"), "neuron 5 of the MLP, layer 2");
});

test("the selection says which norm", () => {
  assert.equal(normPlace(["L1H2", "L1.mlp"]), null);
  assert.equal(normPlace(["L1.ln1"]), "L1.ln1.scale");
  assert.equal(normPlace(["L1.ln1.scale", "L11.ln2.scale@3"]), "L11.ln2.scale");
  assert.equal(normPlace(["ln_final.scale"]), "ln_final.scale");
});

test("neurons are sorted by size on any side, the unknown last", () => {
  const rows = neuronRows(picture, 1);
  assert.deepEqual(
    rows.map((row) => row.activation.now),
    [1, 3, 5],
  );
  const order = (...[column, side]: [Parameters<typeof sorted>[1], Parameters<typeof sorted>[2]]) =>
    sorted(rows, column, side).map((row) => row.neuron);
  assert.deepEqual(order("direct", "now"), [9, 2, 4]);
  assert.deepEqual(order("direct", "baseline"), [2, 9, 4]);
  assert.deepEqual(order("direct", "difference"), [9, 2, 4]);
  assert.deepEqual(order("ablation", "now"), [2, 9, 4]);
  assert.deepEqual(order("ablation", "difference"), [9, 2, 4]);
  assert.deepEqual(order("neuron", "now"), [2, 4, 9]);
  assert.equal(columnOf(rows[1] as (typeof rows)[0], "direct", "difference"), -3);
});

test("what passes through a scale is live minus frozen, the largest first", () => {
  const live = { now: floats(1, -2, Number.NaN), baseline: floats(1, 0, 0) };
  const frozen = { now: floats(0.5, 1, 0), baseline: floats(1, 0, 0) };
  const rows = throughRows(["embed", "L0H0", "L0.mlp"], live, frozen, "now");
  assert.deepEqual(
    rows.map(({ part, through }) => [part, through]),
    [
      ["L0H0", -3],
      ["embed", 0.5],
      ["L0.mlp", Number.NaN],
    ],
  );
  const moved = throughRows(["embed", "L0H0", "L0.mlp"], live, frozen, "difference");
  assert.equal(moved[0]?.through, -3);
  assert.deepEqual(bySize(floats(1, -5, Number.NaN, 2)), [1, 3, 0]);
});

test("differences and ranges", () => {
  const ends = { now: floats(3, 1), baseline: floats(1, 1) };
  assert.deepEqual([...onSide(ends, "difference")], [2, 0]);
  assert.deepEqual(range(floats(1, 4), floats(-2)), [-2, 4]);
  assert.deepEqual(range(floats(0)), [0, 1]);
});

test("a changed neuron marks its MLP as changed inside", () => {
  const entry: Entry = {
    id: 1,
    at: "L2.mlp.n5",
    kind: "zero",
    text: "ablate L2.mlp.n5",
    on: true,
    elsewhere: false,
  };
  const marks = marksOf([entry]).get("L2.mlp");
  assert.ok(marks?.other);
  assert.equal(marks?.ablated, false);
});
