import { useSignalEffect } from "@preact/signals";
import { render } from "preact";
import { useLayoutEffect, useMemo } from "preact/hooks";
import { applyPalette, watchTheme } from "./draw/theme";
import { useDrawing } from "./draw/useDrawing";
import { Docks } from "./layout/Docks";
import { MEDIUM_FROM } from "./layout/defaults";
import { MenuLayer } from "./layout/MenuLayer";
import { usePopouts } from "./layout/popout";
import { Board, BoardContext, useBoard } from "./state/board";
import { css } from "./styles/index";
import type { Transport } from "./transport/transport";
import { PANEL_KINDS } from "./views/panels";
import { PromptBar } from "./views/prompt/PromptBar";
import { CodeDialog, HelpDialog } from "./views/shared/Dialogs";
import { OPEN } from "./views/shared/open";
import { ProblemNote } from "./views/shared/Problem";
import { Footer, Jobs } from "./views/shared/Status";
import { Tour } from "./views/tour/Tour";

/** The panel beside a notebook, which holds one board. */
const BESIDE = ".cb-panel";
const CELL_OUTPUT = ".jp-OutputArea, .output_area, .cell-output";

/** Shows a board in an element; returns how to take it away. */
export function mount(element: HTMLElement, transport: Transport): () => void {
  const root = document.createElement("div");
  // Beside a notebook the panel's id holds the notebook's path.
  const board = new Board(transport, PANEL_KINDS, () => root.closest(BESIDE)?.id ?? "");
  root.className = "circuitboard";
  root.dataset.testid = "board";
  const style = document.createElement("style");
  style.textContent = css;
  const place = document.createElement("div");
  place.className = "cb-root";
  root.append(style, place);
  element.append(root);
  const stopTheme = watchTheme((theme) => {
    applyPalette(root, theme);
    board.ui.theme.value = theme;
  });
  const measure = () => {
    // Hosts put the element into the page after this.
    if (root.closest(CELL_OUTPUT)) settleInCell(root);
    if (root.clientWidth === 0) return;
    board.layout.measure(root.clientWidth, root.clientHeight);
    root.dataset.size = board.layout.room.peek().size;
    board.ui.wide.value = root.clientWidth >= MEDIUM_FROM;
    root.dataset.wide = String(board.ui.wide.value);
  };
  const sizes = new ResizeObserver(measure);
  sizes.observe(root);
  measure();
  const leave = (event: PageTransitionEvent) => {
    if (!event.persisted) board.leave();
  };
  addEventListener("pagehide", leave);
  render(
    <BoardContext.Provider value={board}>
      <App root={root} />
    </BoardContext.Provider>,
    place,
  );
  return () => {
    sizes.disconnect();
    removeEventListener("pagehide", leave);
    stopTheme();
    render(null, place);
    board.close();
    root.remove();
  };
}

/** In a notebook's output plain letters are the notebook's commands, such as to cut the cell. */
function settleInCell(root: HTMLElement): void {
  root.dataset.cell = "true";
  root.dataset.lmSuppressShortcuts = "true";
}

function App({ root }: { root: HTMLElement }) {
  const board = useBoard();
  useVisible();
  usePaintedMarks(root);
  const keys = useGlobalKeys(root);
  usePopouts(keys);
  useOpening(root);
  const model = board.kernel.model.value;
  if (!model || !board.layout.ready.value) return <Waiting />;
  return (
    <>
      <div class="frame">
        <PromptBar />
        <Problems />
        <Docks model={model} />
        <Jobs />
        <Footer />
      </div>
      <MenuLayer />
      <HelpDialog />
      <CodeDialog />
      <Tour beside={root.closest(BESIDE) !== null} />
    </>
  );
}

/** The kernel computes for the panels that can be seen, and for these alone. */
function useVisible(): void {
  const board = useBoard();
  useSignalEffect(() => {
    const shown = board.layout.visible.value.map((panel) => panel.id);
    const before = board.ui.visible.peek();
    if (shown.length !== before.size || shown.some((id) => !before.has(id))) {
      board.ui.visible.value = new Set(shown);
    }
  });
}

function Waiting() {
  const { kernel } = useBoard();
  const problem = kernel.refused.value;
  return (
    <div class="waiting">
      {problem ? <ProblemNote problem={problem} /> : <p>Waiting for the model …</p>}
      {kernel.late.value && (
        <p class="faint">The kernel is busy; the board opens when it answers.</p>
      )}
    </div>
  );
}

/** What was refused, or what is wrong with the state; the last good picture stays. */
function Problems() {
  const { kernel, ui } = useBoard();
  const refused = kernel.refused.value;
  const problem =
    refused ?? (kernel.problem.value === ui.dismissed.value ? null : kernel.problem.value);
  if (!problem) return null;
  const dismiss = () => {
    if (refused) kernel.refused.value = null;
    else ui.dismissed.value = problem;
  };
  return <ProblemNote problem={problem} dismiss={dismiss} />;
}

/** Says on the root what was painted last, once its frame has been rendered. */
function usePaintedMarks(root: HTMLElement): void {
  const board = useBoard();
  const look = () => ({
    revision: board.complete.value,
    seq: board.kernel.state.value?.seq,
  });
  useDrawing(look, ({ revision, seq }) => {
    if (seq === undefined) return;
    // A message is delivered after the rendering that the frame's callbacks precede.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      if (revision >= 0) root.dataset.revision = String(revision);
      root.dataset.seq = String(seq);
      port1.close();
    };
    port2.postMessage(null);
  });
}

/** Double click or Enter on a part: its panel comes into sight, and the keyboard goes there. */
function useOpening(root: HTMLElement): void {
  const { layout, panels, selection } = useBoard();
  useLayoutEffect(() => {
    const open = () => {
      const [last = ""] = selection.peek().slice(-1);
      const panel = panels.peek().find((each) => each.for?.(last));
      if (panel) layout.open(panel.id);
      requestAnimationFrame(() => {
        root.querySelector<HTMLElement>(".controls h2")?.focus({ preventScroll: true });
      });
    };
    root.addEventListener(OPEN, open);
    return () => root.removeEventListener(OPEN, open);
  }, [root, layout, panels, selection]);
}

function useGlobalKeys(root: HTMLElement): (event: KeyboardEvent) => void {
  const board = useBoard();
  const onKey = useMemo(() => {
    const typing = (target: EventTarget | null) =>
      (target as Partial<Element> | null)?.matches?.("input[type=text], textarea, select");
    return (event: KeyboardEvent) => {
      if (typing(event.target)) return;
      const command = event.ctrlKey || event.metaKey;
      if (command && event.key.toLowerCase() === "z") board.act(event.shiftKey ? "redo" : "undo");
      else if (command || event.altKey) return;
      else if (event.key === "?") board.ui.help.value = true;
      else if (event.key === "Escape") board.ui.lockToken.value = null;
      else {
        if (root.dataset.cell === "true") event.stopPropagation();
        return;
      }
      event.preventDefault();
      event.stopPropagation();
    };
  }, [root, board]);
  useLayoutEffect(() => {
    root.addEventListener("keydown", onKey);
    return () => root.removeEventListener("keydown", onKey);
  }, [root, onKey]);
  return onKey;
}
