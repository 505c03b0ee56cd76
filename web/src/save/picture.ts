import { resolution } from "../draw/canvas";
import { PALETTES } from "../draw/theme";
import type { Board } from "../state/board";
import { type Drawing, drawElement } from "./svg";

export type Kind = "svg" | "png";

/** Pixels of a picture for each CSS pixel. */
const SHARP = 3;
const HIDDEN_MS = 400;

/** The element of a panel, by its id; the whole board without one. */
export function elementOf(root: ParentNode, id: string | null): HTMLElement | null {
  if (id === null) return root.querySelector<HTMLElement>(".cb-root");
  // What the panel shows; the dock that holds it may be larger.
  const name = CSS.escape(id.replace(":", "-"));
  return (
    root.querySelector<HTMLElement>(`[data-testid=${name}-view], [data-testid=${name}]`) ??
    root.querySelector<HTMLElement>(`[data-panel=${CSS.escape(id)}]`)
  );
}

/** A picture of a panel, or of the whole board, as it is on the screen. */
export async function takePicture(
  board: Board,
  element: HTMLElement,
  kind: Kind,
): Promise<Blob | null> {
  const drawing = await sharply(() => drawElement(element, PALETTES[board.ui.theme.peek()].bg));
  if (kind === "svg") {
    const text = `<?xml version="1.0" encoding="UTF-8"?>\n${drawing.svg}\n`;
    return new Blob([text], { type: "image/svg+xml" });
  }
  return rasterise(drawing);
}

/** Canvases paint themselves anew with more pixels, and then as before. */
async function sharply(draw: () => Drawing): Promise<Drawing> {
  const before = resolution.peek();
  resolution.value = Math.max(before, SHARP / (window.devicePixelRatio || 1));
  try {
    await painted();
    return draw();
  } finally {
    resolution.value = before;
  }
}

/** Views paint in the frame after a change; a page out of sight has no frames. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 0)));
    setTimeout(resolve, HIDDEN_MS);
  });
}

async function rasterise({ svg, width, height }: Drawing): Promise<Blob | null> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * SHARP);
  canvas.height = Math.round(height * SHARP);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Hands a file to the person, as a download. */
export function download(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
