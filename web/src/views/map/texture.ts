import { paintPixels, parseHex } from "../../draw/colour";
import type { Palette } from "../../draw/theme";
import type { Faint } from "./filter";
import type { Layout } from "./geometry";
import type { MapValues } from "./values";

/** How much of a colour is left of a part that is drawn faint. */
export const FAINT = 0.16;

interface Held {
  values: MapValues;
  faint: Faint | null;
  blank: string;
  image: HTMLCanvasElement;
}

const held = new WeakMap<Layout, Held>();

/** The heads and, in the last column, MLPs of all layers: one pixel for each. */
export function texture(
  layout: Layout,
  values: MapValues,
  faint: Faint | null,
  palette: Palette,
): HTMLCanvasElement | null {
  const layers = layout.layers.length;
  const heads = layout.rows[0]?.length ?? 0;
  if (values.heads.length !== heads * layers) return null;
  const last = held.get(layout);
  if (last?.values === values && last.faint === faint && last.blank === palette.blank) {
    return last.image;
  }
  const image = last?.image ?? document.createElement("canvas");
  image.width = heads + 1;
  image.height = layers;
  const context = image.getContext("2d");
  if (!context) return null;
  const pixels = context.createImageData(heads + 1, layers);
  const joined = new Float32Array((heads + 1) * layers);
  for (let l = 0; l < layers; l += 1) {
    joined.set(values.heads.subarray(l * heads, (l + 1) * heads), l * (heads + 1));
    joined[l * (heads + 1) + heads] = values.mlp[l] ?? Number.NaN;
  }
  paintPixels(joined, values.scale, parseHex(palette.blank), pixels.data);
  if (faint) fade(pixels.data, faint, heads, layers);
  context.putImageData(pixels, 0, 0);
  held.set(layout, { values, faint, blank: palette.blank, image });
  return image;
}

function fade(pixels: Uint8ClampedArray, faint: Faint, heads: number, layers: number): void {
  for (let l = 0; l < layers; l += 1) {
    for (let h = 0; h <= heads; h += 1) {
      const off = h < heads ? faint.heads[l * heads + h] : faint.mlp[l];
      if (off) pixels[4 * (l * (heads + 1) + h) + 3] = 255 * FAINT;
    }
  }
}

/** Draws the texture's rows where their parts are, into a place of any size. */
export function drawTexture(
  context: CanvasRenderingContext2D,
  image: HTMLCanvasElement,
  layout: Layout,
  zoom: { k: number; x: number; y: number },
  layers: { from: number; to: number },
): void {
  const { k, x, y } = zoom;
  const heads = image.width - 1;
  const [left, wide] = [layout.headsLeft * k + x, layout.step * heads * k];
  context.imageSmoothingEnabled = false;
  for (let l = layers.from; l < layers.to; l += 1) {
    const row = layout.rows[l]?.[0];
    const mlp = layout.mlps[l];
    if (row) {
      context.drawImage(image, 0, l, heads, 1, left, row.y * k + y, wide, row.height * k);
    }
    if (mlp) {
      const [top, tall] = [mlp.y * k + y, mlp.height * k];
      context.drawImage(image, heads, l, 1, 1, mlp.x * k + x, top, mlp.width * k, tall);
    }
  }
}
