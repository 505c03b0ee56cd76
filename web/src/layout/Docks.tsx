import { Fragment } from "preact";
import { useRef } from "preact/hooks";
import { useBoard } from "../state/board";
import { Controls } from "../views/shared/Controls";
import type { ModelInfo } from "../wire/types";
import { DropMark } from "./drag";
import { FloatBox } from "./Float";
import { Slot } from "./hosts";
import type { Shown, ShownGroup, ShownSplit } from "./layout";
import { Separator } from "./Separator";
import { CornerMenu, Strip } from "./Strip";

/** The room for panels: docks, and what floats over them. */
export function Docks({ model }: { model: ModelInfo }) {
  const { layout } = useBoard();
  const room = useRef<HTMLElement>(null);
  const shown = layout.shown.value;
  return (
    <main class="docks" data-testid="docks" data-size={layout.room.value.size} ref={room}>
      {shown && <Dock shown={shown} model={model} />}
      {layout.floats.value.map((float) => (
        <FloatBox key={float.id} float={float} model={model} />
      ))}
      <DropMark room={room} />
    </main>
  );
}

interface DockProps {
  shown: Shown;
  model: ModelInfo;
  inColumn?: boolean;
}

function Dock({ shown, model, inColumn = false }: DockProps) {
  if ("parts" in shown) return <SplitDock shown={shown} model={model} />;
  return <GroupDock shown={shown} model={model} inColumn={inColumn} />;
}

const idOf = (shown: Shown) => ("parts" in shown ? shown.id : shown.group.id);

export function isFolded(shown: Shown): boolean {
  return !("parts" in shown) && shown.group.folded;
}

function SplitDock({ shown, model }: { shown: ShownSplit; model: ModelInfo }) {
  return (
    <div class="split" data-row={shown.row} data-split={shown.id}>
      {shown.parts.map((part, place) => (
        <Fragment key={idOf(part.shown)}>
          {place > 0 && <Separator split={shown} place={place} />}
          <div
            class="cell"
            data-auto={!shown.row && part.size === 0}
            style={{ flex: flexOf(shown.row, part) }}
          >
            <Dock shown={part.shown} model={model} inColumn={!shown.row} />
          </div>
        </Fragment>
      ))}
    </div>
  );
}

function flexOf(row: boolean, { size, shown }: ShownSplit["parts"][number]): string {
  if (!row && isFolded(shown)) return "0 0 auto";
  return size > 0 ? `${size} 1 0px` : "0 1 auto";
}

const HINTS = [
  ["click", "selects a part of the map"],
  ["← → ↑ ↓", "go from part to part"],
  ["a, f, r", "ablate, freeze, release"],
  ["?", "all keys, and the tour"],
] as const;

/** Where nothing is selected. */
function Hints() {
  return (
    <div class="hints">
      <dl class="keys">
        {HINTS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

interface GroupProps {
  shown: ShownGroup;
  model: ModelInfo;
  inColumn: boolean;
}

function GroupDock({ shown, model, inColumn }: GroupProps) {
  const { group, tabs, front, bar } = shown;
  const bare = tabs.length === 1 && front?.bare && !bar;
  return (
    <section
      class="dock"
      data-group={group.id}
      data-testid={`dock-${group.id}`}
      data-holds={tabs.map((panel) => panel.id).join(" ")}
      aria-label={front?.title ?? "Selection"}
    >
      {bar && <Controls />}
      {bare && <CornerMenu shown={shown} panel={front} inColumn={inColumn} />}
      {!bare && front && <Strip shown={shown} inColumn={inColumn} />}
      {!front && <Hints />}
      {front && !group.folded && <Slot key={front.id} panel={front} model={model} />}
    </section>
  );
}
