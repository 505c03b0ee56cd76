import assert from "node:assert/strict";
import { test } from "node:test";
import { MODELS } from "../dev/models";
import { type Layout, layOut, neighbour, type Part, partAt } from "../src/views/map/geometry";
import type { ModelInfo } from "../src/wire/types";

const get = (name: string) => MODELS[name] as ModelInfo;
const part = (layout: Layout, address: string) => layout.byAddress.get(address) as Part;
const apart = (a: Part, b: Part) =>
  a.x + a.width <= b.x + 1e-6 ||
  b.x + b.width <= a.x + 1e-6 ||
  a.y + a.height <= b.y + 1e-6 ||
  b.y + b.height <= a.y + 1e-6;

test("from one head to thousands, all fit and no two heads overlap", () => {
  for (const name of ["1", "2", "4", "6", "12", "96"]) {
    for (const [width, height] of [
      [400, 420],
      [430, 640],
      [900, 800],
    ] as const) {
      const layout = layOut(get(name), width, height, 1);
      for (const each of layout.parts) {
        assert.ok(
          each.x >= 0 && each.x + each.width <= width + 1,
          `${name}: ${each.address} across`,
        );
        assert.ok(each.y >= 0 && each.y + each.height <= height, `${name}: ${each.address} down`);
      }
      const layer = layout.parts.filter((p) => p.layer === 0 && ["head", "mlp"].includes(p.kind));
      layer.forEach((a, i) => {
        for (const b of layer.slice(i + 1)) assert.ok(apart(a, b), `${a.address} ${b.address}`);
      });
    }
  }
});

test("each sublayer adds to the stream after it reads, from the bottom up", () => {
  const { layers } = layOut(get("4"), 430, 640, 1);
  layers.forEach((lines, i) => {
    const { attnRead, attnWrite, mlpRead, mlpWrite } = lines;
    assert.ok(attnRead > attnWrite && attnWrite > mlpRead && mlpRead > mlpWrite);
    const next = layers[i + 1];
    if (next) assert.ok(next.attnRead < lines.end);
  });
});

test("a parallel model reads once, and one without MLPs has none", () => {
  const [lines] = layOut(get("6"), 430, 640, 1).layers;
  assert.equal(lines?.attnRead, lines?.mlpRead);
  const bare = layOut(get("2"), 430, 640, 1);
  assert.equal(
    bare.parts.some((p) => p.kind === "mlp"),
    false,
  );
});

test("the smaller of two parts is the one pointed at", () => {
  const layout = layOut(get("4"), 430, 640, 1);
  const head = part(layout, "L2H1");
  assert.equal(partAt(layout, head.x + 3, head.y + 3, 1)?.address, "L2H1");
  const attn = part(layout, "L2.attn");
  assert.equal(partAt(layout, attn.x + 4, attn.y + 4, 1)?.address, "L2.attn");
  assert.equal(partAt(layout, 1, 1, 1), null);
});

test("arrows go along a layer and from layer to layer", () => {
  const layout = layOut(get("4"), 430, 640, 1);
  const go = (from: string, way: Parameters<typeof neighbour>[2]) =>
    neighbour(layout, part(layout, from), way)?.address;
  assert.equal(go("L1H1", "right"), "L1H2");
  assert.equal(go("L1H0", "left"), "L1.attn");
  assert.equal(go("L1H2", "up"), "L2H2");
  assert.equal(go("L0.mlp", "up"), "L1.mlp");
  assert.equal(go("L0H2", "down"), "embed");
  assert.equal(go("L3.mlp", "up"), "ln_final.scale");
  assert.equal(go("L3.mlp", "right"), undefined);
});
