"""Compares two pictures as an eye would: small differences of fonts pass, changes do not."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from playwright.sync_api import Browser

#: Pictures are compared at a third of their size, so that the edges of letters do not count.
SHRINK = 3
#: A channel differs from here on (of 255).
VISIBLE = 24
#: What may differ between two machines: the mean over all channels, and the share of pixels.
MEAN = 2.5
SHARE = 0.02

_COMPARE = """async ([a, b, shrink, visible]) => {
  const load = async text => {
    const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    return createImageBitmap(new Blob([bytes], {type: 'image/png'})); };
  const [one, two] = [await load(a), await load(b)];
  const sizes = [[one.width, one.height], [two.width, two.height]];
  const [w, h] = sizes[0].map(n => Math.ceil(n / shrink));
  const pixels = image => {
    const canvas = new OffscreenCanvas(w, h);
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, 0, 0, w, h);
    return context.getImageData(0, 0, w, h); };
  const [left, right] = [pixels(one), pixels(two)];
  const out = new ImageData(w, h);
  let sum = 0, changed = 0;
  for (let i = 0; i < left.data.length; i += 4) {
    let most = 0;
    for (let k = 0; k < 3; k += 1) {
      const gap = Math.abs(left.data[i + k] - right.data[i + k]);
      sum += gap; most = Math.max(most, gap); }
    changed += most >= visible;
    const grey = 255 - (255 - left.data[i + 1]) / 4;
    out.data.set(most >= visible ? [220, 0, 60, 255] : [grey, grey, grey, 255], i); }
  const canvas = new OffscreenCanvas(w * shrink, h * shrink);
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = false;
  context.drawImage(await createImageBitmap(out), 0, 0, w * shrink, h * shrink);
  const blob = await canvas.convertToBlob({type: 'image/png'});
  let text = '';
  for (const byte of new Uint8Array(await blob.arrayBuffer())) text += String.fromCharCode(byte);
  return {sizes, mean: sum / (3 * w * h), share: changed / (w * h), diff: btoa(text)}; }"""


@dataclass(frozen=True)
class Comparison:
    """How far two pictures differ.

    Attributes:
        mean: mean absolute difference of a channel, of 255, after shrinking.
        share: share of the shrunken pixels that differ visibly.
        same_size: whether they have one size.
        diff: a picture (PNG) of where they differ.
    """

    mean: float
    share: float
    same_size: bool
    diff: bytes

    @property
    def alike(self) -> bool:
        """Whether a person would call them the same picture."""
        return self.same_size and self.mean <= MEAN and self.share <= SHARE

    def __str__(self) -> str:
        size = "" if self.same_size else ", and their sizes differ"
        return f"{100 * self.share:.2f} % of the pixels differ, {self.mean:.2f} on average{size}"


def compare(chrome: Browser, one: bytes, two: bytes) -> Comparison:
    """Compares two PNG pictures."""
    page = chrome.new_page()
    try:
        texts = [base64.b64encode(picture).decode() for picture in (one, two)]
        found = page.evaluate(_COMPARE, [*texts, SHRINK, VISIBLE])
    finally:
        page.close()
    first, second = found["sizes"]
    diff = base64.b64decode(found["diff"])
    return Comparison(found["mean"], found["share"], first == second, diff)
