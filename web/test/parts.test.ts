import assert from "node:assert/strict";
import { test } from "node:test";
import { rankHeights, spread } from "../src/draw/chart";
import { gridCell, gridFrame, scrollTo } from "../src/draw/grid";
import { rowOf, streamPlace } from "../src/state/stream";
import { changes } from "../src/views/logits/table";
import { type LensCells, measured, onSide, upsideDown } from "../src/views/residual/lens";
import { axis, bars, byLayer, bySize, extent, items } from "../src/views/shared/components";
import type { Component, ModelInfo } from "../src/wire/types";

const parts: Component[] = [
  { kind: "embed", at: "embed", layer: null },
  { kind: "head", at: "L0H0", layer: 0 },
  { kind: "head", at: "L0H1", layer: 0 },
  { kind: "rest", at: "L0.attn", layer: 0 },
  { kind: "mlp", at: "L0.mlp", layer: 0 },
  { kind: "constant", at: "logits", layer: null },
];
const NOW = [1, 2, -3, 1e-9, 4, 0.5];
const BASE = [1, 1, -1, 0, 2, 0.5];

test("heads of a layer come together, and the sum stays", () => {
  const list = byLayer(items(parts, NOW, BASE));
  assert.deepEqual(
    list.map(({ label }) => label),
    ["token embedding", "L0 heads", "L0.mlp", "biases"],
  );
  assert.equal(list[1]?.now, -1);
  assert.equal(list[1]?.base, 0);
  assert.equal(
    list.reduce((sum, item) => sum + item.now, 0),
    4.5,
  );
});

test("the largest come first, the small ones together", () => {
  const list = bySize(items(parts, NOW, BASE), "now", 2);
  assert.deepEqual(
    list.map(({ key }) => key),
    ["mlp L0.mlp", "head L0H1", "others"],
  );
  assert.equal(list[2]?.now, 3.5);
  assert.equal(bySize(items(parts, NOW, BASE), "difference", 9)[0]?.key, "head L0H1");
});

test("each bar of a waterfall starts where the one before it ended", () => {
  const list = bars(byLayer(items(parts, NOW, BASE)), new Set(["heads 0"]), true);
  assert.deepEqual(
    list.map(({ now }) => now),
    [
      [0, 1],
      [1, 0],
      [1, 3],
      [3, 0],
      [0, 4],
      [4, 4.5],
    ],
  );
  assert.deepEqual(extent(list[4] as never, "difference"), [-1, 1]);
  assert.deepEqual(axis(list, "now"), [0, 4.5]);
  const plain = bars(byLayer(items(parts, NOW, BASE)), new Set(), false);
  assert.ok(plain.every(({ now }) => now[0] === 0));
});

test("cells are found where they are painted, scrolled or not", () => {
  const shape = { rows: 13, columns: 100, left: 46, texts: true, zoom: 1, maxHeight: 200 };
  const frame = gridFrame(400, shape);
  assert.ok(frame.full.width > frame.seen.width);
  assert.deepEqual(gridCell(frame, { x: 0, y: 0 }, 47, frame.top + 1), { row: 0, column: 0 });
  assert.equal(gridCell(frame, { x: 0, y: 0 }, 10, frame.top + 1), null);
  const far = { row: 12, column: 99 };
  const scroll = scrollTo(frame, { x: 0, y: 0 }, far);
  const x = frame.left + (99.5 * frame.cellWidth - scroll.x);
  const y = frame.top + (12.5 * frame.cellHeight - scroll.y);
  assert.ok(x < frame.seen.width && y < frame.seen.height);
  assert.deepEqual(gridCell(frame, scroll, x, y), far);
  const all = gridFrame(400, { ...shape, columns: 12, texts: false });
  assert.ok(all.full.width <= 400);
});

test("the lens turns into colours", () => {
  const cells: LensCells = {
    places: 2,
    positions: 1,
    k: 2,
    ids: new Float32Array([4, 5, 6, 7]),
    probs: new Float32Array([0.5, 0.25, 0.75, 0.125]),
    logits: new Float32Array([3, 5, 1, 9]),
    logProbs: new Float32Array([Math.log(0.5), Math.log(0.25), 0, 0]),
    ranks: new Float32Array([100, 1, 1, 1]),
  };
  assert.deepEqual([...measured(cells, "top")], [0.5, 0.75]);
  assert.deepEqual([...measured(cells, "difference")], [2, -4]);
  assert.deepEqual([...measured(cells, "rank")], [2, 0]);
  assert.ok(Math.abs((measured(cells, "target")[1] ?? 0) - 0.25) < 1e-6);
  const moved = onSide(new Float32Array([0]), new Float32Array([2]), "difference", "rank");
  assert.deepEqual([...moved], [2]);
  assert.deepEqual([...upsideDown(new Float32Array([1, 2, 3, 4]), 2)], [3, 4, 1, 2]);
});

test("a top token's change is known where it was a top token before", () => {
  const now = { ids: new Float32Array([1, 2]), probs: new Float32Array([0.5, 0.25]) };
  const base = { ids: new Float32Array([2, 3]), probs: new Float32Array([0.75, 0.125]) };
  assert.deepEqual([...changes(now, base, 2)], [Number.NaN, -0.5]);
});

test("the stream's place follows the selection", () => {
  const model = { n_layers: 4 } as ModelInfo;
  assert.equal(streamPlace([], model), "L3.resid_post");
  assert.equal(streamPlace(["L1H1", "L2.resid_mid@3"], model), "L2.resid_mid");
  assert.equal(streamPlace(["embed"], model), "L0.resid_pre");
  const places = ["L0.resid_pre", "L0.resid_post", "L1.resid_post"];
  assert.equal(rowOf("L1.resid_pre", places), 1);
  assert.equal(rowOf("L0.resid_pre", places), 0);
  assert.equal(rowOf("L1.resid_mid", places), 2);
});

test("rank one is on top, and labels keep apart", () => {
  const { at, ticks } = rankHeights(1000, 10, 90);
  assert.equal(at(1), 10);
  assert.ok(Math.abs(at(1000) - 100) < 1e-9);
  assert.deepEqual(
    ticks.map(({ label }) => label),
    ["1", "10", "100", "1000"],
  );
  const ys = spread([50, 51, 52], 13, 0, 60);
  assert.ok(ys.every((y, i) => i === 0 || y - (ys[i - 1] ?? 0) >= 12.99));
  assert.ok(Math.max(...ys) <= 60);
});
