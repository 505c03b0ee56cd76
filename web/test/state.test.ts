import assert from "node:assert/strict";
import { test } from "node:test";
import { effect } from "@preact/signals";
import { madeState } from "../dev/made";
import { MODELS } from "../dev/models";
import { drawnPart, marksOf } from "../src/state/address";
import { KernelState } from "../src/state/kernel";
import type { Entry, ModelInfo, ViewData } from "../src/wire/types";

const model = MODELS["4"] as ModelInfo;

test("a view's older data never replaces newer data", () => {
  const kernel = new KernelState();
  const view = { kind: "logits", position: 3, k: 12 } as const;
  const data = (revision: number): ViewData => ({
    t: "view",
    view,
    revision,
    arrays: [],
    info: null,
    problem: null,
  });
  for (const revision of [2, 1, 2, 4, 3]) kernel.take(data(revision), []);
  assert.equal(kernel.picture(view).value?.revision, 4);
  kernel.keepOnly([]);
  assert.equal(kernel.picture(view).value, null);
});

test("what did not change in a state repaints nothing", () => {
  const kernel = new KernelState();
  const state = madeState(model);
  kernel.state.value = state;
  let paints = 0;
  const stop = effect(() => {
    paints += kernel.tokens.value.length > 0 ? 1 : 0;
  });
  kernel.state.value = { ...structuredClone(state), seq: 2, busy: true };
  assert.equal(paints, 1);
  const tokens = [...state.tokens, { index: 99, id: 1, text: " x" }];
  kernel.state.value = { ...state, seq: 3, tokens };
  assert.equal(paints, 2);
  stop();
});

test("the last position is counted from the first", () => {
  const kernel = new KernelState();
  kernel.state.value = { ...madeState(model), position: -1 };
  assert.equal(kernel.position.value, kernel.tokens.value.length - 1);
});

test("marks are the sum of the entries that are on", () => {
  const entry = (id: number, at: string, kind: Entry["kind"], text: string, on = true): Entry => ({
    id,
    at,
    kind,
    text,
    elsewhere: false,
    on,
  });
  const marks = marksOf([
    entry(1, "L1H2", "zero", "ablate L1H2"),
    entry(2, "L1H2.pattern", "freeze", "freeze L1H2.pattern"),
    entry(3, "L0.mlp", "scale", "scale L0.mlp × 0.5"),
    entry(4, "L3H3", "freeze", "freeze L3H3", false),
    entry(5, "L2.ln1.scale", "freeze", "freeze L2.ln1.scale"),
    entry(6, "L2H0@3", "zero", "ablate L2H0@3"),
    entry(7, "L3H0", "patch", "patch L3H0"),
    entry(8, "L3.resid_post", "add", "add to L3.resid_post"),
  ]);
  assert.ok(marks.get("L1H2")?.ablated && marks.get("L1H2")?.pattern);
  assert.equal(marks.get("L0.mlp")?.factor, "×0.5");
  assert.equal(marks.has("L3H3"), false);
  assert.ok(marks.get("L2.ln1.scale")?.frozen);
  assert.ok(marks.get("L3H0")?.patched && !marks.get("L3H0")?.set);
  assert.ok(marks.get("L3.resid_post")?.added);
  assert.equal(drawnPart("L2.mlp.n512"), "L2.mlp");
});
