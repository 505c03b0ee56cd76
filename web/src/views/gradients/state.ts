import type { Signal } from "@preact/signals";
import { headAddress } from "../../state/address";
import type { Board } from "../../state/board";
import type { Side } from "../../state/ui";
import type {
  EdgeGradientsView,
  GradientAuditView,
  PartGradientsView,
  PatternGradientView,
  TokenGradientsView,
  View,
} from "../../wire/types";

export type Section = "tokens" | "parts" | "edges" | "pattern";
export type Source = "contrast" | "zero";
type Direction = PartGradientsView["direction"];
type Method = EdgeGradientsView["what"];

export const SECTIONS: readonly { value: Section; label: string }[] = [
  { value: "tokens", label: "Tokens" },
  { value: "parts", label: "Parts" },
  { value: "edges", label: "Edges" },
  { value: "pattern", label: "Pattern" },
];

/** How many of the largest estimates are measured unasked. */
export const TOP = 20;
/** Places that a path can lead through, by the end of their address. */
const PATHS = /^(L\d+\.(resid_(pre|mid|post)|ln[12]|attn|mlp(\.n\d+)?)|L\d+H\d+|(pos_)?embed)$/;

/** The settings of the view. */
export interface GradientState {
  section: Signal<Section>;
  side: Signal<Side>;
  what: Signal<TokenGradientsView["what"]>;
  through: Signal<"embed" | "selected">;
  over: Signal<PartGradientsView["what"]>;
  source: Signal<Source>;
  direction: Signal<Direction>;
  method: Signal<Method>;
  pathSteps: Signal<number>;
  edgeSteps: Signal<number>;
  audit: Signal<boolean>;
  /** Addresses that were asked to be measured, a space between two. */
  also: Signal<string>;
  /** The cell of a grid or pattern that was picked last. */
  cell: Signal<string>;
}

export function gradientState({ ui }: Board): GradientState {
  return {
    section: ui.local<Section>("gradients.section", "parts"),
    side: ui.local<Side>("gradients.side", "now"),
    what: ui.local<TokenGradientsView["what"]>("gradients.tokens", "dot"),
    through: ui.local<"embed" | "selected">("gradients.through", "embed"),
    over: ui.local<PartGradientsView["what"]>("gradients.over", "resid_pre"),
    source: ui.local<Source>("gradients.source", "contrast"),
    direction: ui.local<Direction>("gradients.direction", "noising"),
    method: ui.local<Method>("gradients.method", "eap"),
    pathSteps: ui.local<number>("gradients.steps", 32),
    edgeSteps: ui.local<number>("gradients.edge-steps", 5),
    audit: ui.local<boolean>("gradients.audit", true),
    also: ui.local<string>("gradients.also", ""),
    cell: ui.local<string>("gradients.cell", ""),
  };
}

/** The contrast prompt; empty where there is none. */
export function contrastText(board: Board): string {
  return board.kernel.state.value?.contrast ?? "";
}

/** Whether values come from the contrast prompt, and which way. */
function from(board: Board) {
  const { source, direction } = gradientState(board);
  const contrast = source.value === "contrast" && contrastText(board) !== "";
  return { contrast, direction: contrast ? direction.value : "noising" } as const;
}

/** The place selected, where a path leads through it. */
export function selectedPath(board: Board): string | null {
  const places = board.selection.value.map((address) => address.split("@")[0] ?? "");
  return places.filter((place) => PATHS.test(place)).pop() ?? null;
}

export function tokenView(board: Board): TokenGradientsView {
  const { what, through, pathSteps } = gradientState(board);
  const chosen = through.value === "selected" ? selectedPath(board) : null;
  const path = what.value === "integrated";
  return {
    kind: "token-gradients",
    what: what.value,
    at: (path && chosen) || "embed",
    ...(path ? from(board) : { contrast: false, direction: "noising" }),
    steps: path ? pathSteps.value : 32,
  };
}

export function partView(board: Board): PartGradientsView {
  return { kind: "part-gradients", what: gradientState(board).over.value, ...from(board) };
}

export function edgeView(board: Board): EdgeGradientsView {
  const { method, direction, edgeSteps } = gradientState(board);
  const steps = method.value === "eap" ? 5 : edgeSteps.value;
  const rest = { direction: direction.value, steps, top: 100 };
  return { kind: "edge-gradients", what: method.value, ...rest };
}

export function patternView(board: Board): PatternGradientView | null {
  const head = board.head.value;
  return head && { kind: "pattern-gradient", ...head, ...from(board) };
}

/** What is measured of a section; none where nothing can be, or nothing was asked for. */
export function auditView(board: Board): GradientAuditView | null {
  const state = gradientState(board);
  const also = state.also.value.split(" ").filter(Boolean);
  const top = state.audit.value ? TOP : 0;
  if (top === 0 && also.length === 0) return null;
  const side = state.side.value === "baseline" ? "baseline" : "now";
  const rest = { kind: "gradient-audit", at: "embed", steps: 0, side, top, also } as const;
  switch (state.section.value) {
    case "tokens": {
      const { kind: _, ...view } = tokenView(board);
      if (view.what === "norm") return null;
      const end = view.what === "integrated" ? "now" : side;
      return { ...rest, section: "tokens", ...view, side: end };
    }
    case "parts": {
      const { kind: _, ...view } = partView(board);
      return { ...rest, section: "parts", ...view };
    }
    case "edges": {
      if (!contrastText(board)) return null;
      const { kind: _, top: __, ...view } = edgeView(board);
      return { ...rest, section: "edges", contrast: true, ...view, side: "now" };
    }
    default: {
      const view = patternView(board);
      if (!view) return null;
      const { contrast, direction } = view;
      const at = headAddress(view);
      return { ...rest, section: "pattern", what: "product", at, contrast, direction };
    }
  }
}

/** What the section that is open needs. */
export function gradientViews(board: Board): View[] {
  const audit = auditView(board);
  const more = audit ? [audit] : [];
  switch (gradientState(board).section.value) {
    case "tokens":
      return [tokenView(board), ...more];
    case "parts":
      return [partView(board), ...more];
    case "edges":
      return contrastText(board) ? [edgeView(board), ...more] : [];
    default: {
      const view = patternView(board);
      return view ? [view, ...more] : [];
    }
  }
}
