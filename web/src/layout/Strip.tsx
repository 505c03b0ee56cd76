import { useLayoutEffect, useRef } from "preact/hooks";
import { useBoard } from "../state/board";
import type { Panel } from "../state/panels";
import { startDrag } from "./drag";
import type { ShownGroup } from "./layout";
import { panelItems, toggleMenu } from "./menus";

interface Props {
  shown: ShownGroup;
  inColumn: boolean;
}

/** The tabs of a dock, the tools of the panel in front, and its menu. */
export function Strip({ shown, inColumn }: Props) {
  const { layout } = useBoard();
  const list = useRef<HTMLDivElement>(null);
  const { group, tabs, front } = shown;
  useLayoutEffect(() => {
    const tab = list.current?.querySelector<HTMLElement>("[aria-selected=true]");
    if (tab && list.current) keepInSight(tab, list.current);
  }, [front]);
  if (!front) return null;
  const Tools = front.tools;
  const go = (way: number) => {
    const at = tabs.indexOf(front) + way;
    const next = tabs[(at + tabs.length) % tabs.length] as Panel;
    layout.open(next.id);
    focusTab(list.current, next.id);
  };
  return (
    <header class="strip" data-alone={tabs.length === 1}>
      <div
        ref={list}
        class="tabs"
        role="tablist"
        tabIndex={-1}
        aria-label="Panels"
        onWheel={(event) => {
          event.currentTarget.scrollLeft += event.deltaX || event.deltaY;
        }}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return;
          if (event.key === "ArrowRight") go(1);
          else if (event.key === "ArrowLeft") go(-1);
          else if (event.key === "Delete") layout.close(front.id);
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        {tabs.map((panel) => (
          <Tab key={panel.id} panel={panel} shown={shown} />
        ))}
      </div>
      {Tools && <Tools />}
      <span class="grow" />
      {inColumn && (
        <button
          type="button"
          class="icon fold"
          data-testid={`fold-${front.id}`}
          aria-expanded={!group.folded}
          aria-label={`${group.folded ? "Unfold" : "Fold"} ${front.title}`}
          title={group.folded ? "Unfold" : "Fold"}
          onClick={() => layout.fold(group.id, !group.folded)}
        >
          <svg viewBox="0 0 12 12" width="11" height="11" aria-hidden="true">
            <path d={group.folded ? "M2 8l4-4 4 4" : "M2 4l4 4 4-4"} />
          </svg>
        </button>
      )}
      <MenuButton shown={shown} panel={front} inColumn={inColumn} />
    </header>
  );
}

function Tab({ panel, shown }: { panel: Panel; shown: ShownGroup }) {
  const { layout, ui } = useBoard();
  const { group, front } = shown;
  const isFront = panel === front;
  return (
    <button
      type="button"
      class="tab"
      role="tab"
      data-testid={`tab-${panel.id}`}
      aria-selected={isFront}
      aria-controls={isFront && !group.folded ? layout.elementId(panel.id) : undefined}
      tabIndex={isFront ? 0 : -1}
      title={panel.about}
      onClick={() => layout.open(panel.id)}
      onAuxClick={(event) => {
        if (event.button === 1) layout.close(panel.id);
      }}
      onPointerDown={(event) => startDrag(event, panel, layout, ui.drop)}
    >
      {panel.title}
      {isFront && group.pinned && (
        <svg class="pin" viewBox="0 0 12 12" width="10" height="10" aria-label="pinned">
          <path d="M4 1h4M5 1v4L3 7h6L7 5V1M6 7v4" />
        </svg>
      )}
    </button>
  );
}

interface MenuProps {
  shown: ShownGroup;
  panel: Panel;
  inColumn: boolean;
}

function MenuButton({ shown, panel, inColumn }: MenuProps) {
  const { layout, ui } = useBoard();
  return (
    <button
      type="button"
      class="icon"
      data-testid={`panel-menu-${panel.id}`}
      aria-haspopup="menu"
      aria-label={`${panel.title}: move, pop out, close`}
      title="Move, pop out, close"
      onClick={(event) => {
        const items = panelItems(layout, shown, panel, inColumn);
        toggleMenu(ui, { label: panel.title, anchor: event.currentTarget, items });
      }}
    >
      ⋯
    </button>
  );
}

/** The menu of a panel that shows no strip; it is dragged by it, too. */
export function CornerMenu(props: MenuProps) {
  const { layout, ui } = useBoard();
  return (
    <div
      class="corner"
      role="presentation"
      onPointerDown={(event) => startDrag(event, props.panel, layout, ui.drop)}
    >
      <MenuButton {...props} />
    </div>
  );
}

function keepInSight(tab: HTMLElement, list: HTMLElement): void {
  const [from, to] = [tab.offsetLeft - list.offsetLeft, list.clientWidth - tab.offsetWidth];
  if (from < list.scrollLeft || from > list.scrollLeft + to) list.scrollLeft = from - to / 2;
}

/** Moves the keyboard to a panel's tab, once it is drawn. */
export function focusTab(from: Element | null, panel: string): void {
  const root = from?.closest(".circuitboard");
  const find = () =>
    root?.querySelector<HTMLElement>(
      `[data-testid="tab-${CSS.escape(panel)}"], [data-testid="panel-menu-${CSS.escape(panel)}"]`,
    );
  requestAnimationFrame(() => find()?.focus({ preventScroll: true }));
}
