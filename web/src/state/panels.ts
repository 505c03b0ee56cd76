import type { ComponentType } from "preact";
import type { ModelInfo, OwnPanel, View } from "../wire/types";
import type { Board } from "./board";

/** One kind of panel on the board: what it shows, and what it needs from the kernel for that. */
export interface Panel {
  /** Its name in layouts and test ids; the same for ever. */
  id: string;
  title: string;
  /** One sentence: what it is for. */
  about: string;
  /** Where it opens first. */
  home: "map" | "side" | "foot";
  /** Whether it is made for this part: then selecting the part brings it to the front. */
  for?(address: string): boolean;
  /** Whether there is something to show for what is selected. Reads signals. */
  applies(board: Board): boolean;
  /** What the kernel is to compute while the panel is visible. Reads signals. */
  views(board: Board): readonly View[];
  component: ComponentType<{ model: ModelInfo }>;
  /** Controls for the strip of tabs, while the panel is in front. */
  tools?: ComponentType;
  /** Its keys and gestures, each with what it does: for the help. */
  keys?: readonly (readonly [string, string])[];
  /** Shows no strip of tabs while it is alone in its dock. */
  bare?: boolean;
  /** Lives on out of sight: it has something to lose, such as a zoom. */
  keep?: boolean;
}

/** The panels that a board has, and how those that a user makes become panels. */
export interface PanelKinds {
  fixed: readonly Panel[];
  own(made: OwnPanel): Panel;
}
