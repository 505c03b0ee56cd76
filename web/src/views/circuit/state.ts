import type { Board } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { CircuitView, View } from "../../wire/types";
import type { Order } from "../shared/sortTable";

/** Which edges are listed and drawn, by the circuits that have them. */
export type Share = "all" | "both" | "first" | "second";

export const CIRCUIT: CircuitView = { kind: "circuit" };

/** The settings of the circuit view, which the map shares. */
export function circuitSettings({ ui }: Board) {
  return {
    drawn: ui.local<boolean>("circuit.drawn", true),
    share: ui.local<Share>("circuit.share", "all"),
    order: ui.local<Order>("circuit.order", "size"),
  };
}

/** What the map's wires need. Reads signals. */
export function circuitViews(board: Board): View[] {
  return board.kernel.circuit.value && circuitSettings(board).drawn.value ? [CIRCUIT] : [];
}

export interface CircuitRow {
  edge: string;
  /** Its score, under the name that wires have for it. */
  effect: number;
  /** Whether the circuit has it, pruned or not. */
  own: boolean;
  /** Whether it was taken out by hand. */
  pruned: boolean;
  /** What has it, without what was pruned. */
  share: Exclude<Share, "all"> | "none";
}

/** All edges of the two circuits, in the order of the model, the first circuit's own first. */
export function circuitRows(picture: Picture | null): CircuitRow[] {
  const info = infoOf(picture, "circuit");
  const { score, kept, other } = picture?.grids ?? {};
  return (info?.edges ?? []).map((edge, i) => {
    const own = i < (info?.cut ?? 0);
    const [mine, theirs] = [kept?.data[i] === 1, other?.data[i] === 1];
    const share = mine && theirs ? "both" : mine ? "first" : theirs ? "second" : "none";
    return { edge, effect: score?.data[i] ?? Number.NaN, own, pruned: own && !mine, share };
  });
}

/** Those that are asked for: what is pruned is among all and, so that it can be had back, the first. */
export function chosen(rows: readonly CircuitRow[], share: Share): readonly CircuitRow[] {
  if (share === "all") return rows;
  return rows.filter((row) => row.share === share || (share === "first" && row.share === "none"));
}

/** The largest score first, whatever its sign; or as the model has them. */
export function ordered(rows: readonly CircuitRow[], order: Order): readonly CircuitRow[] {
  if (order === "model") return rows;
  return [...rows].sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
}

/** What is drawn on the map. Reads signals. */
export function drawnRows(board: Board): readonly CircuitRow[] {
  if (circuitViews(board).length === 0) return [];
  const { share } = circuitSettings(board);
  const picture = board.kernel.picture(CIRCUIT).value;
  const compared = Boolean(infoOf(picture, "circuit")?.other);
  return chosen(circuitRows(picture), compared ? share.value : "all");
}

/** Sizes lie on the slider by their logarithm: small circuits are the interesting ones. */
export function sizeAt(part: number, total: number): number {
  return Math.max(1, Math.min(total, Math.round(total ** part)));
}

export function partOf(size: number, total: number): number {
  return total > 1 ? Math.log(Math.max(1, size)) / Math.log(total) : 0;
}
