import assert from "node:assert/strict";
import { test } from "node:test";
import { colourOf, inkOn, largest, parseHex, signedScale, unsignedScale } from "../src/draw/colour";
import { compact, format, percent, signed } from "../src/draw/number";
import { PALETTES } from "../src/draw/theme";

test("signed colours are symmetric round the neutral one", () => {
  for (const palette of Object.values(PALETTES)) {
    const scale = signedScale(palette, 2);
    assert.deepEqual(scale.domain, [-2, 2]);
    assert.deepEqual(colourOf(scale, -2), parseHex(palette.negative));
    assert.deepEqual(colourOf(scale, 2), parseHex(palette.positive));
    const neutral = parseHex(palette.zero);
    const middle = colourOf(scale, 0) ?? [0, 0, 0];
    middle.forEach((part, i) => {
      assert.ok(Math.abs(part - (neutral[i] ?? 0)) <= 3);
    });
    assert.deepEqual(colourOf(scale, 9), colourOf(scale, 2));
  }
});

test("what is not known has no colour, and nothing breaks a scale", () => {
  const scale = unsignedScale(PALETTES.light.norm, 0);
  assert.deepEqual(scale.domain, [0, 1]);
  assert.equal(colourOf(scale, Number.NaN), null);
  assert.equal(largest([1, -3, Number.NaN], [2]), 3);
});

test("the ink can be read on its ground", () => {
  assert.equal(inkOn([255, 255, 255]), "#1b1a18");
  assert.equal(inkOn([10, 20, 60]), "#ffffff");
});

test("numbers have a true minus, and a sign only where they differ from zero", () => {
  assert.equal(format(-1.234), "\u22121.23");
  assert.equal(format(-0.001), "0.00");
  assert.equal(signed(0.004), "0.00");
  assert.equal(signed(0.5), "+0.50");
  assert.equal(format(null), "–");
  assert.equal(percent(1), "100%");
  assert.equal(percent(0.00001), "<0.01%");
  assert.equal(compact(0.05), "0.050");
});
