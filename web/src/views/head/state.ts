import { batch } from "@preact/signals";
import type { Board } from "../../state/board";
import type {
  HeadGalleryView,
  HeadLineView,
  HeadTokensView,
  HeadView,
  View,
} from "../../wire/types";

/** What the cells show, but for the weighting by values, which is a switch of its own. */
export type Shown = "pattern" | "scores" | "attribution";

/** Layers whose thumbnails come together. */
export const CHUNK = 4;
const TOP = 8;

/** Settings of the head view, kept for as long as the board. */
export function settings(board: Board) {
  const { ui } = board;
  return {
    shown: ui.local<Shown>("head.value", "pattern"),
    skipFirst: ui.local<boolean>("head.skipFirst", false),
    editing: ui.local<boolean>("head.edit", false),
    gallery: ui.local<boolean>("head.gallery", false),
    galleryFrom: ui.local<number>("head.galleryFrom", 0),
    galleryTo: ui.local<number>("head.galleryTo", 0),
    tokens: ui.local<boolean>("head.tokens", false),
    evidence: ui.local<boolean>("head.evidence", false),
  };
}

/** What the head's cells need from the kernel. Reads signals. */
export function headView(board: Board): HeadView | null {
  const place = board.head.value;
  if (!place) return null;
  const { shown, skipFirst } = settings(board);
  const { headSide, valueWeighted } = board.ui;
  const plain = shown.value === "pattern";
  return {
    kind: "head",
    ...place,
    value: plain && valueWeighted.value ? "weighted" : shown.value,
    skip_first: skipFirst.value,
    base: headSide.value !== "now",
  };
}

/** Begins or ends painting: what is painted on is the pattern of the run now, all of it. */
export function toggleEditing(board: Board): void {
  const { shown, skipFirst, editing } = settings(board);
  batch(() => {
    editing.value = !editing.peek();
    if (!editing.peek()) return;
    shown.value = "pattern";
    skipFirst.value = false;
    board.ui.headSide.value = "now";
    board.ui.valueWeighted.value = false;
  });
}

export function lineView(view: HeadView, token: number): HeadLineView {
  const { layer, head, value, skip_first } = view;
  return { kind: "head_line", layer, head, value, skip_first, token };
}

/** The token whose output is read: the one locked, or else the position looked at. */
export function outputPosition(board: Board): number {
  const last = board.kernel.tokens.value.length - 1;
  return Math.min(board.ui.lockToken.value ?? board.position.value, last);
}

export function tokensView(board: Board): HeadTokensView | null {
  const place = board.head.value;
  if (!place) return null;
  const skip_first = settings(board).skipFirst.value;
  return { kind: "head_tokens", ...place, position: outputPosition(board), k: TOP, skip_first };
}

/** The groups of layers whose thumbnails are in sight. */
export function galleryViews(board: Board): HeadGalleryView[] {
  const { galleryFrom, galleryTo, skipFirst } = settings(board);
  const layers = board.kernel.model.value?.n_layers ?? 0;
  const base = board.ui.headSide.value === "baseline";
  const views: HeadGalleryView[] = [];
  const start = Math.floor(galleryFrom.value / CHUNK) * CHUNK;
  for (let first = start; first <= galleryTo.value && first < layers; first += CHUNK) {
    const skip_first = skipFirst.value;
    views.push({ kind: "head_gallery", first, count: CHUNK, skip_first, base });
  }
  return views;
}

/** All that the head panel needs now. */
export function headViews(board: Board): View[] {
  const own = headView(board);
  const place = board.head.value;
  if (!own || !place) return [];
  const { gallery, tokens, evidence } = settings(board);
  const views: View[] = [own];
  const table = tokens.value ? tokensView(board) : null;
  if (table) views.push(table);
  if (evidence.value) views.push({ kind: "head_evidence", ...place, seed: 0 });
  if (gallery.value) views.push(...galleryViews(board));
  return views;
}
