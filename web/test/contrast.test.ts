import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, exchanged } from "../src/state/contrast";
import { cellOf, formula, measured, strongest } from "../src/views/patching/state";
import type { Aligned, PatchingInfo } from "../src/wire/types";

const pair = (mine: number, theirs: number, same = true): Aligned => ({
  mine,
  theirs,
  same,
  at: "",
});

test("how prompts differ is said in words", () => {
  assert.equal(difference([pair(0, 0), pair(1, 1, false)]), "1 of 2 tokens differs");
  assert.equal(difference([pair(0, 0, false), pair(1, 1, false)]), "2 of 2 tokens differ");
  assert.equal(difference([pair(0, 0)]), "the same tokens as the prompt");
  const longer = [pair(0, 0), pair(-1, 1, false), pair(1, 2, false)];
  assert.equal(difference(longer), "3 tokens, the prompt 2: 2 differ");
});

test("two words are exchanged where both stand alone", () => {
  const prompt = "When Mary and John went, Johnny saw John";
  assert.equal(exchanged(prompt, " Mary", " John"), "When John and Mary went, Johnny saw Mary");
  assert.equal(exchanged("Only Mary", " Mary", " John"), null);
  assert.equal(exchanged(prompt, "Mary", "Mary"), null);
  assert.equal(exchanged(prompt, "", "John"), null);
  assert.equal(exchanged("a (b) c", "(b)", "c"), "a c (b)");
});

const INFO: PatchingInfo = {
  of: "patching",
  over: "head",
  direction: "denoising",
  places: ["L0H0", "L0H1", "L1H0", "L1H1"],
  rows: ["L0", "L1"],
  columns: "head",
  run: 2,
  source: 6,
  done: 4,
  whole: 0,
};

test("values are changes, or shares of the way between the runs", () => {
  const patched = new Float32Array([2, 4, 6, Number.NaN]);
  assert.deepEqual([...measured(patched, INFO, "change")], [0, 2, 4, Number.NaN]);
  assert.deepEqual([...measured(patched, INFO, "share")], [0, 0.5, 1, Number.NaN]);
  assert.ok(Number.isNaN(measured(patched, { ...INFO, source: 2 }, "share")[0]));
  assert.equal(
    formula("share", "denoising"),
    "(m(patched) − m(contrast)) / (m(prompt) − m(contrast))",
  );
});

test("a cell is found by its address, the strongest come first", () => {
  assert.deepEqual(cellOf(INFO, "L1H0"), { row: 1, column: 0 });
  assert.equal(cellOf(INFO, "L1H0@3"), null);
  assert.deepEqual(strongest([0.1, -3, Number.NaN, 2], 2), [1, 3]);
});
