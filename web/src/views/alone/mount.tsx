import { useSignalEffect } from "@preact/signals";
import { render } from "preact";
import { applyPalette, watchTheme } from "../../draw/theme";
import { Board, BoardContext, useBoard } from "../../state/board";
import { css } from "../../styles/index";
import type { Transport } from "../../transport/transport";
import { PANEL_KINDS, PANELS } from "../panels";

const WIDE_FROM = 720;

/** Shows one panel of a board without the rest. */
export function mountPanel(element: HTMLElement, transport: Transport, id: string): void {
  const board = new Board(transport, PANEL_KINDS);
  const root = document.createElement("div");
  root.className = "circuitboard";
  root.dataset.testid = "board";
  root.dataset.alone = id;
  root.dataset.panels = PANELS.map((panel) => panel.id).join(" ");
  const style = document.createElement("style");
  style.textContent = css;
  const place = document.createElement("div");
  place.className = "cb-root";
  root.append(style, place);
  element.append(root);
  watchTheme((theme) => {
    applyPalette(root, theme);
    board.ui.theme.value = theme;
  });
  const measure = () => {
    board.ui.wide.value = root.clientWidth >= WIDE_FROM;
    root.dataset.wide = String(board.ui.wide.value);
  };
  new ResizeObserver(measure).observe(root);
  measure();
  render(
    <BoardContext.Provider value={board}>
      <Alone id={id} root={root} />
    </BoardContext.Provider>,
    place,
  );
}

function Alone({ id, root }: { id: string; root: HTMLElement }) {
  const board = useBoard();
  const { kernel, ui } = board;
  const panel = board.panels.value.find((each) => each.id === id);
  useSignalEffect(() => {
    const panel = board.panels.value.find((each) => each.id === id);
    ui.visible.value = new Set(panel?.applies(board) ? [id] : []);
  });
  useSignalEffect(() => {
    const revision = board.complete.value;
    if (kernel.state.value) {
      requestAnimationFrame(() => requestAnimationFrame(() => mark(root, revision)));
    }
  });
  const model = kernel.model.value;
  if (!panel) return <p class="waiting">There is no panel called “{id}”.</p>;
  if (!model) return <p class="waiting">Waiting for the board …</p>;
  const View = panel.component;
  return (
    <>
      <header class="section-head alone-head">
        <h2>{panel.title}</h2>
        <span class="faint">
          {model.name}
          {board.selection.value.length > 0 && ` · ${board.selection.value.join(", ")}`}
        </span>
      </header>
      <div class="alone">
        {panel.applies(board) ? (
          <View model={model} />
        ) : (
          <p class="empty">Nothing is selected that this view shows.</p>
        )}
      </div>
    </>
  );
}

function mark(root: HTMLElement, revision: number): void {
  if (revision >= 0) root.dataset.revision = String(revision);
}
