import assert from "node:assert/strict";
import { test } from "node:test";
import { Latest } from "../src/views/steering/latest";
import { marksFor, parsePlace, printPlace, stepOf } from "../src/views/steering/place";

test("a place is read and printed alike", () => {
  for (const at of ["L2.resid_post@-1", "L0.resid_mid", "L11H7@3", "L1.mlp@2:5", "L3.attn"]) {
    const place = parsePlace(at);
    assert.equal(place && printPlace(place), at);
  }
  for (const at of ["L2H1.z", "logits", "L0.mlp.n3", "L1.ln1", "embed"]) {
    assert.equal(parsePlace(at), null, at);
  }
});

test("axes have round marks, zero among them where it lies inside", () => {
  assert.deepEqual(marksFor(-10, 10), [-10, -5, 0, 5, 10]);
  assert.deepEqual(marksFor(-0.2, 0.2), [-0.2, -0.1, 0, 0.1, 0.2]);
  assert.ok(marksFor(-13.9, 17.6).includes(0));
  assert.equal(stepOf(20), 0.2);
  assert.equal(stepOf(0.5), 0.005);
});

test("while one value is under way, only the newest waits", async () => {
  const sent: number[] = [];
  const waiting: (() => void)[] = [];
  const latest = new Latest<number>((value) => {
    sent.push(value);
    return new Promise<void>((resolve) => waiting.push(resolve));
  });
  for (const value of [1, 2, 3, 4]) latest.push(value);
  assert.deepEqual(sent, [1]);
  waiting.shift()?.();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(sent, [1, 4]);
  waiting.shift()?.();
  await new Promise((resolve) => setTimeout(resolve));
  latest.push(5);
  assert.deepEqual(sent, [1, 4, 5]);
});
