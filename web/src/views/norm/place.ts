import type { Board } from "../../state/board";
import type { ModelInfo, View } from "../../wire/types";

const NORM = /^(L\d+\.ln[12]|ln_final)(?:\.scale)?(?:@.*)?$/;

/** The scale of the norm that the selection lies in: that of the last address that is one. */
export function normPlace(selection: readonly string[]): string | null {
  const found = selection.map((address) => NORM.exec(address)?.[1]).filter(Boolean);
  const last = found[found.length - 1];
  return last ? `${last}.scale` : null;
}

/** The norm to show; none in a model without norms. */
export function shownNorm(board: Board): string | null {
  const norm = board.kernel.model.value?.norm ?? "none";
  return norm === "none" ? null : normPlace(board.selection.value);
}

/** What a norm stands before, in words. */
export function normName(address: string, model: ModelInfo): string {
  const kind = model.norm === "RMS" ? "RMSNorm" : "LayerNorm";
  if (address.startsWith("ln_final")) return `${kind} before the unembedding`;
  return `${kind} before ${address.includes("ln1") ? "attention" : "the MLP"}`;
}

/** The token looked at, the last one as -1. */
function fromEnd(board: Board): number {
  const { value: at } = board.position;
  return at >= board.kernel.tokens.value.length - 1 ? -1 : at;
}

export function directionsView(board: Board, address: string) {
  return { kind: "norm-directions", address, position: fromEnd(board) } as const;
}

export function normViews(board: Board): readonly View[] {
  const address = shownNorm(board);
  return address ? [{ kind: "norm", address }, directionsView(board, address)] : [];
}
