import type { Panel } from "../state/panels";
import type { UiState } from "../state/ui";
import type { Layout, ShownGroup } from "./layout";
import type { Side } from "./tree";

export interface MenuItem {
  /** For tests and keys; the same for ever. */
  id: string;
  label: string;
  about?: string;
  checked?: boolean;
  /** The panel that the keyboard goes to afterwards. */
  goTo?: string;
  /** Begins a new section. */
  apart?: boolean;
  run(): void;
}

export interface Menu {
  label: string;
  anchor: HTMLElement;
  items: readonly MenuItem[];
}

/** Opens a menu, or closes it where its own button is pressed again. */
export function toggleMenu(ui: UiState, menu: Menu): void {
  ui.menu.value = ui.menu.peek()?.anchor === menu.anchor ? null : menu;
}

const SIDES: readonly (readonly [Side, string])[] = [
  ["left", "Move to the left"],
  ["right", "Move to the right"],
  ["above", "Move above"],
  ["below", "Move below"],
];

/** All that can be done with a panel's place, without dragging. */
export function panelItems(
  layout: Layout,
  shown: ShownGroup,
  panel: Panel,
  inColumn: boolean,
): MenuItem[] {
  const { id } = panel;
  const { group, tabs } = shown;
  // Alone in its dock, it goes to the edge of the whole.
  const beside = tabs.length > 1 ? group.id : null;
  const items: MenuItem[] = SIDES.map(([side, label]) => ({
    id: side,
    label,
    goTo: id,
    run: () => layout.split(id, beside, side),
  }));
  for (const { group: other, front, tabs: all } of layout.others(id)) {
    const names = all.map((each) => each.title).join(", ");
    const run = () => layout.join(id, other.id);
    items.push({ id: `with-${front?.id}`, label: `Move to ${names}`, goTo: id, run });
  }
  if (tabs.length > 1) {
    const about = "whatever is selected";
    const run = () => layout.pin(shown);
    items.push({ id: "pin", label: "Keep in front", about, checked: group.pinned, goTo: id, run });
  }
  if (inColumn) {
    const run = () => layout.fold(group.id, !group.folded);
    items.push({ id: "fold", label: "Fold", checked: group.folded, goTo: id, run });
  }
  items.push(
    {
      id: "pop-out",
      label: "Pop out",
      about: "a window",
      apart: true,
      run: () => layout.detach(id),
    },
    { id: "float", label: "Float", about: "over the board", run: () => layout.float(id) },
    { id: "close", label: "Close", apart: true, run: () => layout.close(id) },
  );
  return items;
}

/** Every panel there is, and the way back to the default. */
export function boardItems(layout: Layout, panels: readonly Panel[]): MenuItem[] {
  const applying = layout.applying.value;
  const items: MenuItem[] = panels.map((panel) => {
    const { id, title, about } = panel;
    const idle = applying.includes(panel) ? "" : " Nothing to show for this selection.";
    return {
      id,
      label: title,
      about: about + idle,
      checked: !layout.closed.value.includes(id),
      goTo: id,
      run: () => (layout.isVisible(id) ? layout.close(id) : layout.open(id)),
    };
  });
  const reset: MenuItem = {
    id: "reset",
    label: "Reset the layout",
    apart: true,
    run: () => {
      for (const id of layout.popped.peek()) layout.dock(id);
      layout.reset();
    },
  };
  return [...items, reset];
}
