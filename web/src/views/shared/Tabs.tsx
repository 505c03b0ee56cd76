import { useRef } from "preact/hooks";
import { useBoard } from "../../state/board";

const PLACES = [
  [".map", "Map"],
  [".inspector", "Selection"],
  [".logits", "Next token"],
  [".interventions", "Interventions"],
] as const;

/** Where views lie below each other: a way to each of them. */
export function Tabs() {
  const { ui, kernel } = useBoard();
  const nav = useRef<HTMLElement>(null);
  if (ui.wide.value) return null;
  const go = (selector: string) => {
    const view = nav.current?.parentElement?.querySelector(selector);
    view?.scrollIntoView({ block: "start" });
  };
  return (
    <nav class="tabs" ref={nav} aria-label="Views">
      {PLACES.map(([selector, label]) => (
        <button key={selector} type="button" onClick={() => go(selector)}>
          {label}
          {label === "Interventions" && kernel.entries.value.length > 0 && (
            <span class="count">{kernel.entries.value.length}</span>
          )}
        </button>
      ))}
    </nav>
  );
}
