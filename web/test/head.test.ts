import assert from "node:assert/strict";
import { test } from "node:test";
import { PALETTES } from "../src/draw/theme";
import type { Picture } from "../src/state/kernel";
import { edited } from "../src/views/head/edit";
import { headAt, layersInSight, shapeOf } from "../src/views/head/Gallery";
import { between, cellAt, frameOf, moved } from "../src/views/head/paint";
import { sharers } from "../src/views/head/Thumbnails";
import {
  cellOf,
  decode,
  headPatterns,
  lineOf,
  onSide,
  scaleFor,
  seenExactly,
  seenFrom,
  unpackCodes,
} from "../src/views/head/weights";

const near = (a: number | undefined, b: number) =>
  assert.ok(Math.abs((a ?? Number.NaN) - b) < 1e-6, `${a} is not ${b}`);

function picture(): Picture {
  const range = { total: null, rest: null };
  return {
    view: { kind: "head", layer: 0, head: 1, value: "pattern", skip_first: false, base: true },
    revision: 1,
    problem: null,
    info: {
      of: "head",
      tokens: 2,
      thumb: 2,
      now: { low: 0, high: 1, ...range },
      base: { low: 0, high: 2, ...range },
      unchanged: false,
      no_scores: "",
      no_attribution: "",
    },
    grids: {
      cells_now: { data: Uint8Array.from([254, 127, 255]), shape: [3] },
      cells_base: { data: Uint8Array.from([127, 0, 127]), shape: [3] },
    },
  };
}

test("codes become values: ends exact, the last code nothing, the upper triangle zero", () => {
  const data = decode([0, 254, 127, 255, 1, 2], 3, { low: -1, high: 1 });
  assert.deepEqual([...data.slice(0, 3)], [-1, 0, 0]);
  near(data[3], 1);
  near(data[4], 0);
  assert.ok(Number.isNaN(data[6]));
  assert.deepEqual([...unpackCodes([9, 8, 7, 6, 5, 255], 1, 2)], [6, 0, 5, Number.NaN]);
});

test("each run is read by its own range, and the difference is now minus baseline", () => {
  const patterns = headPatterns(picture());
  near(patterns.now.data[0], 1);
  near(patterns.baseline.data[0], 1);
  near(onSide(patterns, "difference").data[2], 0.5);
  const without = picture();
  if (without.info?.of === "head") without.info.base = null;
  assert.equal(headPatterns(without).baseline, headPatterns(without).now);
});

test("attention is coloured from 0 to 1, scores and differences round zero", () => {
  const patterns = headPatterns(picture());
  const scale = (value: "pattern" | "scores", side: "now" | "difference") =>
    scaleFor(PALETTES.light, value, side, patterns, onSide(patterns, side)).domain;
  assert.deepEqual(scale("pattern", "now"), [0, 2]);
  assert.deepEqual(scale("scores", "now"), [-1, 1]);
  const [low, high] = scale("pattern", "difference");
  assert.equal(low, -high);
});

test("a token sees a row and is seen by a column, near and exactly", () => {
  const { now } = headPatterns(picture());
  const row = seenFrom(now, 1, "destination");
  near(row[0], 0.5);
  assert.ok(Number.isNaN(row[1]));
  near(seenFrom(now, 0, "source")[1], 0.5);
  const grid = (...values: number[]) => ({ data: Float32Array.from(values), shape: [1] });
  const grids = {
    row_now: grid(0.25, 0.75),
    column_now: grid(0.75, 0.5),
    row_base: grid(0.5, 0.5),
    column_base: grid(0.5, 0.125),
  };
  const line = lineOf({ ...picture(), grids }, 1);
  if (!line) throw new Error("the line is not there");
  assert.deepEqual([...seenExactly(line, "difference", "destination", 3)], [-0.25, 0.25, 0]);
  assert.deepEqual([...seenExactly(line, "now", "source", 3)], [0, 0.75, 0.5]);
  assert.deepEqual(cellOf(line, 1, 0), { now: 0.25, baseline: 0.5 });
  assert.deepEqual(cellOf(line, 2, 1), { now: 0.5, baseline: 0.125 });
  assert.equal(cellOf(line, 2, 0), null);
});

test("painted rows sum to 1: the others share what is left, or the painted are scaled", () => {
  const pattern = { size: 2, data: Float32Array.from([1, 0, 0.25, 0.75]) };
  const put = (cells: [number, number][], normalise: boolean) => [
    ...edited(pattern, new Map(cells), normalise).data,
  ];
  assert.deepEqual(put([[2, 0.5]], false), [1, 0, 0.5, 0.75]);
  assert.deepEqual(put([[2, 0.5]], true), [1, 0, 0.5, 0.5]);
  assert.deepEqual(put([[2, 3]], true), [1, 0, 1, 0]);
  assert.deepEqual(
    put(
      [
        [2, 1.5],
        [3, 0.5],
      ],
      true,
    ),
    [1, 0, 0.75, 0.25],
  );
  assert.deepEqual(put([[0, 0]], true), [0, 0, 0.25, 0.75]);
});

test("keys stay within what a causal head can see", () => {
  assert.deepEqual(moved({ row: 2, column: 2 }, "ArrowUp", 4), { row: 1, column: 1 });
  assert.deepEqual(moved({ row: 2, column: 2 }, "ArrowRight", 4), { row: 2, column: 2 });
  assert.deepEqual(moved({ row: 3, column: 1 }, "ArrowDown", 4), { row: 3, column: 1 });
  assert.deepEqual(moved({ row: 3, column: 1 }, "End", 4), { row: 3, column: 3 });
  assert.equal(moved({ row: 0, column: 0 }, "x", 4), null);
});

test("a quick stroke leaves no gaps", () => {
  const cells = between({ row: 1, column: 0 }, { row: 4, column: 1 });
  assert.deepEqual(
    cells.map(({ row }) => row),
    [1, 2, 3, 4],
  );
  assert.deepEqual(between({ row: 2, column: 2 }, { row: 2, column: 2 }).length, 2);
});

test("a point finds its cell, and none above the diagonal", () => {
  const frame = frameOf(400, 4);
  const at = (row: number, column: number) =>
    cellAt(frame, frame.left + (column + 0.5) * frame.step, frame.top + (row + 0.5) * frame.step);
  assert.deepEqual(at(2, 1), { row: 2, column: 1 });
  assert.equal(at(1, 2), null);
});

test("a gallery asks for the layers in sight alone, from 12 to 96 of them", () => {
  const small = shapeOf(430, 12);
  assert.equal(small.rows, 1);
  assert.deepEqual(layersInSight(0, 320, small.height, 12), [0, 9]);
  const large = shapeOf(430, 96);
  assert.ok(large.columns * large.rows >= 96);
  const [first, last] = layersInSight(96 * large.height - 320, 320, large.height, 96);
  assert.equal(last, 95);
  assert.ok(last - first < 4);
  assert.equal(headAt(1, 1, large, 96), 0);
  assert.equal(headAt(32, 32, large, 96), large.columns + 1);
  assert.equal(headAt(1, large.rows * 31 + 1, large, 96), null);
});

test("heads that share keys and values are named", () => {
  assert.deepEqual(sharers(5, { n_heads: 8, n_kv_heads: 2 }), [4, 6, 7]);
  assert.deepEqual(sharers(5, { n_heads: 8, n_kv_heads: 8 }), []);
});
