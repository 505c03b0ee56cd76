import { headAddress, headOf } from "../../state/address";
import type { Board } from "../../state/board";
import type { ModelInfo, View, WeightSide } from "../../wire/types";

export type Tab = "circuits" | "directions" | "composition" | "path";
export type Circuit = "ov" | "qk";
export type MlpMatrix = "in" | "gate" | "out";
export type Mode = "Q" | "K" | "V";
export type Slot = "q" | "k" | "v";

/** The part whose weights are shown. */
export type Part =
  | { kind: "head"; layer: number; head: number }
  | { kind: "mlp"; layer: number; neuron: string | null };

const MLP = /^L(\d+)\.mlp(\.n\d+)?/;

function partOf(address: string): Part | null {
  const head = headOf(address);
  if (head) return { kind: "head", ...head };
  const mlp = MLP.exec(address);
  if (!mlp) return null;
  return { kind: "mlp", layer: Number(mlp[1]), neuron: mlp[2] ? mlp[0] : null };
}

/** The last head or MLP selected. */
export function shownPart(selection: readonly string[]): Part | null {
  const found = selection.map(partOf).filter((part) => part !== null);
  return found[found.length - 1] ?? null;
}

/** The selected heads and MLPs in the order of the model, each once. */
export function pathParts(selection: readonly string[]): string[] {
  const parts = selection.map(partOf).filter((part) => part !== null);
  const named = parts.map((part) => ({
    layer: part.layer,
    // within a layer, attention comes before the MLP
    late: part.kind === "mlp" ? 1 : 0,
    name: part.kind === "head" ? headAddress(part) : `L${part.layer}.mlp`,
  }));
  named.sort((a, b) => a.layer - b.layer || a.late - b.late);
  return [...new Set(named.map(({ name }) => name))];
}

/** What the panel shows, kept with the board. */
export function weightsState({ ui }: Board) {
  return {
    tab: ui.local<Tab>("weights.tab", "circuits"),
    circuit: ui.local<Circuit>("weights.circuit", "ov"),
    mlp: ui.local<MlpMatrix>("weights.mlp", "in"),
    fold: ui.local<boolean>("weights.fold", true),
    side: ui.local<WeightSide>("weights.side", "now"),
    /** How many tokens before the query the key lies, where that matters. */
    offset: ui.local<number>("weights.offset", 0),
    /** Tokens over which the matrix is shown; the prompt's where empty. */
    text: ui.local<string>("weights.text", ""),
    rows: ui.local<number>("weights.rows", 10),
    all: ui.local<boolean>("weights.all", false),
    mode: ui.local<Mode>("weights.mode", "K"),
    slot: ui.local<Slot>("weights.slot", "k"),
  };
}

export const EDITS: View = { kind: "weight-edits" };

/** Whether any weight is known to differ from what was loaded. */
export function isEdited(board: Board): boolean {
  const info = board.kernel.picture(EDITS).value?.info;
  return info?.of === "weight-edits" && info.weights.length > 0;
}

/** The tab in front: some have nothing to show for an MLP. */
export function shownTab(board: Board, part: Part): Tab {
  const tab = weightsState(board).tab.value;
  return part.kind === "mlp" && tab === "circuits" ? "directions" : tab;
}

/** Whether other weights can be shown than those now: some were edited, and the model is there. */
export function hasSides(board: Board): boolean {
  return board.kernel.live.value && isEdited(board);
}

/** The side in front: without an edit there is but one. */
export function shownSide(board: Board): WeightSide {
  return hasSides(board) ? weightsState(board).side.value : "now";
}

interface HeadPlace {
  layer: number;
  head: number;
}

function circuitFields(board: Board, { layer, head }: HeadPlace, model: ModelInfo | null) {
  const { circuit, fold, offset } = weightsState(board);
  const turned = circuit.value === "qk" && model?.positional === "rotary";
  return {
    layer,
    head,
    circuit: circuit.value,
    fold: fold.value,
    offset: turned ? offset.value : 0,
    side: shownSide(board),
  };
}

export function matrixView(board: Board, place: HeadPlace): View {
  const fields = circuitFields(board, place, board.kernel.model.value);
  return { kind: "weight-matrix", ...fields, text: weightsState(board).text.value };
}

export function pairsView(board: Board, place: HeadPlace): View {
  return { kind: "weight-pairs", ...circuitFields(board, place, board.kernel.model.value) };
}

/** The matrix whose directions are shown, such as `L1H2.ov`. */
export function matrixPlace(board: Board, part: Part): string {
  const { circuit, mlp } = weightsState(board);
  if (part.kind === "head") return `${headAddress(part)}.${circuit.value}`;
  const gated = board.kernel.model.value?.gated ?? false;
  return `L${part.layer}.mlp.${mlp.value === "gate" && !gated ? "in" : mlp.value}`;
}

export function svdView(board: Board, part: Part): View {
  const { fold, rows } = weightsState(board);
  const place = matrixPlace(board, part);
  return { kind: "weight-svd", place, fold: fold.value, rows: rows.value, side: shownSide(board) };
}

export function compositionView(board: Board, { layer, head }: HeadPlace): View {
  const fold = weightsState(board).fold.value;
  return { kind: "weight-composition", layer, head, fold, side: shownSide(board) };
}

export function overviewView(board: Board): View {
  const { mode, fold } = weightsState(board);
  return { kind: "weight-overview", mode: mode.value, fold: fold.value, side: shownSide(board) };
}

/** Virtual weights along the selected parts; null where fewer than two are selected. */
export function pathView(board: Board): View | null {
  const parts = pathParts(board.selection.value);
  if (parts.length < 2) return null;
  const { slot, fold } = weightsState(board);
  const last = parts[parts.length - 1] as string;
  const path = parts.join("->") + (headOf(last) ? `.${slot.value}` : "");
  return { kind: "weight-path", path, fold: fold.value, side: shownSide(board) };
}

/** A neuron's weights in words. */
export function neuronView(board: Board, address: string): View {
  const [, layer, neuron] = /^L(\d+)\.mlp\.n(\d+)$/.exec(address) ?? [];
  const place = { layer: Number(layer), neuron: Number(neuron) };
  return { kind: "weight-neuron", ...place, side: shownSide(board) };
}

export function weightsViews(board: Board): readonly View[] {
  const part = shownPart(board.selection.value);
  if (!part) return [EDITS];
  const tab = shownTab(board, part);
  if (tab === "directions") {
    const words = part.kind === "mlp" && part.neuron ? [neuronView(board, part.neuron)] : [];
    return [svdView(board, part), ...words, EDITS];
  }
  if (tab === "composition") {
    const all = part.kind === "mlp" || weightsState(board).all.value;
    return [all ? overviewView(board) : compositionView(board, part as HeadPlace), EDITS];
  }
  if (tab === "path") return [pathView(board), EDITS].filter((view) => view !== null);
  if (part.kind === "mlp") return [EDITS];
  return [matrixView(board, part), pairsView(board, part), EDITS];
}
