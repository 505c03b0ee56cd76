import assert from "node:assert/strict";
import { test } from "node:test";
import { pathParts, shownPart } from "../src/views/weights/place";

test("the weights shown are those of the last head or MLP selected", () => {
  assert.equal(shownPart(["L1.ln1.scale", "embed"]), null);
  assert.deepEqual(shownPart(["L1.mlp", "L2H3.pattern"]), { kind: "head", layer: 2, head: 3 });
  assert.deepEqual(shownPart(["L2H3", "L1.mlp.n7@-1"]), {
    kind: "mlp",
    layer: 1,
    neuron: "L1.mlp.n7",
  });
  assert.deepEqual(shownPart(["L1.mlp"]), { kind: "mlp", layer: 1, neuron: null });
});

test("a path leads through the selected parts in the order of the model, each once", () => {
  assert.deepEqual(pathParts(["L3H1", "L0.mlp.n3", "L10H2", "L0H5", "L0.mlp", "embed"]), [
    "L0H5",
    "L0.mlp",
    "L3H1",
    "L10H2",
  ]);
  assert.deepEqual(pathParts(["L3H1", "L3H1.k"]), ["L3H1"]);
});
