export interface Step {
  title: string;
  text: string;
  /** What it is about: the first of these that can be seen. */
  at: readonly string[];
}

export const STEPS: readonly Step[] = [
  {
    title: "A question for the model",
    text:
      "The prompt, and two tokens that it is asked to tell apart. The number on the right is the " +
      "logit of the target minus that of the foil: before, and after what you do to the model.",
    at: [".prompt"],
  },
  {
    title: "The whole model",
    text:
      "Tokens come in at the bottom, and the next token leaves at the top. Heads and MLPs read from " +
      "the residual stream and add to it. Colour says how much each adds to the metric.",
    at: ["[data-testid=map]", "[data-testid=tab-map]"],
  },
  {
    title: "Select a part, and change it",
    text:
      "Click a head on the map, then Ablate: the model runs again without it, and everything on the " +
      "board follows. Freeze holds a value; Scale makes it weaker or stronger.",
    at: [".controls"],
  },
  {
    title: "A panel for each kind of part",
    text:
      "The panel made for what you select comes to the front: for a head, where it looks. Panels can " +
      "be dragged by their tabs; the menu ⋯ moves them, too, and gives them a window of their own.",
    at: ["[data-testid=head-view]", "[role=tablist]", ".controls"],
  },
  {
    title: "What the model says next",
    text: "The most likely next tokens, now and at the baseline, after the token that you click.",
    at: ["[data-testid=logits-view]", "[data-testid=tab-logits]"],
  },
  {
    title: "Nothing is lost",
    text:
      "Everything you do stands in this list, in order: switch it off, undo it, or copy it as Python " +
      "that rebuilds exactly this state.",
    at: [".dock[data-holds~=interventions]"],
  },
  {
    title: "The notebook shares the kernel",
    text:
      "The board is the variable `board`, the model is `model`. What a cell does shows here, and what " +
      "you do here a cell can read: board.result, board.interventions, board.selection.",
    at: [".footer"],
  },
];
