import type { Panel } from "../../state/panels";
import { NormPanel } from "./NormPanel";
import { normViews, shownNorm } from "./place";

export const normPanel: Panel = {
  id: "norm",
  title: "Norm",
  about: "What a norm divides by, removes and amplifies, and what passes through its scale.",
  home: "side",
  applies: (board) => shownNorm(board) !== null,
  for: (address) => /^(L\d+\.ln[12]|ln_final)/.test(address),
  views: normViews,
  component: NormPanel,
};
