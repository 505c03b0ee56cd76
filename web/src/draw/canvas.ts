import { signal } from "@preact/signals";

/** How much sharper canvases are than the display: more than one while a picture is taken. */
export const resolution = signal(1);

/** Sizes a canvas to its place on screen, sharp on any display; what to draw with, in CSS pixels. */
export function prepare(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const ratio = (window.devicePixelRatio || 1) * resolution.value;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** Shortens a text until it fits, with an ellipsis. */
export function fitText(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end -= 1;
  return `${text.slice(0, end)}…`;
}

export const MONO = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
export const SANS =
  'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif';

const scratch = new Map<string, HTMLCanvasElement>();

/** A canvas off the screen, kept for texels that are scaled up. */
export function texels(name: string, width: number, height: number): HTMLCanvasElement {
  let canvas = scratch.get(name);
  if (!canvas) {
    canvas = document.createElement("canvas");
    scratch.set(name, canvas);
  }
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return canvas;
}
