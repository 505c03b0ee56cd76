import type { Panel } from "../../state/panels";
import type { OwnPanel } from "../../wire/types";
import { OwnView } from "./OwnView";

const made = new Map<string, Panel>();

/** The panel of one of the user's views; the same view gives the same panel. */
export function ownPanel({ id, title }: OwnPanel): Panel {
  const key = `${id} ${title}`;
  let panel = made.get(key);
  if (!panel) {
    panel = {
      id: `own:${id}`,
      title,
      about: "Made in the notebook; it follows the run.",
      home: "side",
      applies: () => true,
      views: () => [{ kind: "own", id }],
      component: () => <OwnView id={id} title={title} />,
    };
    made.set(key, panel);
  }
  return panel;
}
