import assert from "node:assert/strict";
import { test } from "node:test";
import { neuronsOf, wiring } from "../src/report/geometry";
import type { Link } from "../src/report/types";

const link = (edge: string): Link => ({
  edge,
  score: 1,
  effect: { value: 1, error: null, prompts: 1 },
});
const SHAPE = { n_layers: 2, n_heads: 4, mlps: true };
const EDGES = [
  "embed->L0H1.v",
  "L0H1->L0.mlp.n12",
  "L0H1->L0.mlp.n3",
  "L0H1->L0.mlp",
  "L0.mlp.n3->L1.mlp.n7",
  "L0.mlp.n12->logits",
  "L1.mlp.n7->logits@4",
];

test("neurons that have wires stand beside their MLP, by number", () => {
  const links = EDGES.map(link);
  assert.deepEqual(
    [...neuronsOf(links)],
    [
      [0, [3, 12]],
      [1, [7]],
    ],
  );
  const { places, wires, width } = wiring(SHAPE, links, 700);
  const at = new Map(places.map((place) => [place.address, place]));
  assert.deepEqual(
    ["L0.mlp.n3", "L0.mlp", "L0H1", "embed"].map((address) => at.get(address)?.label),
    ["n3", "L0.mlp", "L0H1", "embed"],
  );
  const [mlp, n3, n12] = ["L0.mlp", "L0.mlp.n3", "L0.mlp.n12"].map((address) => at.get(address));
  assert.ok(mlp && n3 && n12 && n3.x > mlp.x && n3.x === n12.x && n3.y < n12.y);
  assert.ok(n12 && n12.x < width);
  assert.deepEqual(
    wires.map(({ to }) => to),
    ["L0H1", "L0.mlp.n12", "L0.mlp.n3", "L0.mlp", "L1.mlp.n7", "logits", "logits"],
  );
});

test("many neurons of a layer stand above and beside each other, all apart", () => {
  const many = Array.from({ length: 20 }, (_, n) => link(`L1.mlp.n${n * 100}->logits`));
  const { places, width } = wiring(SHAPE, many, 700);
  const cells = places.filter(({ label }) => label.startsWith("n"));
  assert.equal(cells.length, 20);
  cells.forEach((a, i) => {
    for (const b of cells.slice(i + 1)) {
      assert.ok(Math.abs(a.x - b.x) >= 50 || Math.abs(a.y - b.y) >= 20, `${a.label} ${b.label}`);
    }
    assert.ok(a.x < width - 20);
  });
});

test("without neurons the map is as it was", () => {
  const { places } = wiring(SHAPE, [link("L0H1->L1.mlp")], 700);
  assert.equal(places.length, 2 + 2 * 5);
});
