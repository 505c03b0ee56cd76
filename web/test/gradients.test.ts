import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AuditRow,
  auditRows,
  blankAhead,
  cellAddress,
  cellOf,
  sorted,
  spread,
  upwards,
  worst,
} from "../src/views/gradients/rows";

const rows: AuditRow[] = [
  { address: "L10H0->L11H2.q", estimate: 1, exact: Number.NaN },
  { address: "embed->L0.mlp", estimate: -3, exact: -1 },
  { address: "L2H1->L11H2.q", estimate: 2, exact: 2.5 },
];
const names = (found: AuditRow[]) => found.map(({ estimate }) => estimate);

test("rows without an exact number are not measured", () => {
  const found = auditRows(["a", "b"], [1, 2], [5]);
  assert.equal(found[0]?.exact, 5);
  assert.ok(Number.isNaN(found[1]?.exact));
});

test("the worst misses come first, what is not measured never", () => {
  assert.deepEqual(names(worst(rows, 5)), [-3, 2]);
  assert.deepEqual(names(worst(rows, 1)), [-3]);
});

test("edges are sorted by size, sign, exact value, miss and end; unknown ones last", () => {
  assert.deepEqual(names(sorted(rows, "size")), [-3, 2, 1]);
  assert.deepEqual(names(sorted(rows, "score")), [2, 1, -3]);
  assert.deepEqual(names(sorted(rows, "exact")), [2, -3, 1]);
  assert.deepEqual(names(sorted(rows, "miss")), [-3, 2, 1]);
  assert.deepEqual(names(sorted(rows, "sender")), [-3, 2, 1]);
  assert.deepEqual(names(sorted(rows, "receiver")), [-3, 2, 1]);
});

test("both axes of the scatter have one scale with zero in it", () => {
  const { low, high, x, y } = spread(rows, 100);
  assert.deepEqual([low, high], [-3, 2.5]);
  assert.equal(x(-3), 6);
  assert.equal(x(2.5), 94);
  assert.equal(y(2.5), 6);
  assert.ok(x(0) > 6 && x(0) < 94);
  assert.equal(spread([], 100).x(0), 6);
});

test("what a causal head cannot see is blank", () => {
  const found = blankAhead(new Float32Array([1, 2, 3, 4]), 2);
  assert.ok(Number.isNaN(found[1]));
  assert.deepEqual([found[0], found[2], found[3]], [1, 3, 4]);
});

test("layers go upwards", () => {
  assert.deepEqual([...upwards(new Float32Array([1, 2, 3, 4, 5, 6]), 2)], [5, 6, 3, 4, 1, 2]);
});

test("a cell of a pattern is written as Python indexes it", () => {
  const address = cellAddress("L1H3", 7, 3);
  assert.equal(address, "L1H3.pattern[7,3]");
  assert.deepEqual(cellOf(address), { head: "L1H3", destination: 7, source: 3 });
  for (const other of ["L1H3", "L1H3.pattern", "L1.attn@3", "L1H3.pattern[7,3]@2", ""])
    assert.equal(cellOf(other), null);
});
