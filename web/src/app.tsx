import { useSignalEffect } from "@preact/signals";
import { render } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { applyPalette, watchTheme } from "./draw/theme";
import { Board, BoardContext, useBoard } from "./state/board";
import type { Panel } from "./state/panels";
import { css } from "./styles/index";
import type { Transport } from "./transport/transport";
import { PANEL_KINDS } from "./views/panels";
import { PromptBar } from "./views/prompt/PromptBar";
import { Controls } from "./views/shared/Controls";
import { CodeDialog, HelpDialog } from "./views/shared/Dialogs";
import { ProblemNote } from "./views/shared/Problem";
import { Footer, Jobs } from "./views/shared/Status";
import { Tabs } from "./views/shared/Tabs";
import type { ModelInfo } from "./wire/types";

const WIDE_FROM = 720;
const CELL_OUTPUT = ".jp-OutputArea, .output_area, .cell-output";

/** Shows a board in an element; returns how to take it away. */
export function mount(element: HTMLElement, transport: Transport): () => void {
  const board = new Board(transport, PANEL_KINDS);
  const root = document.createElement("div");
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
    board.ui.wide.value = root.clientWidth >= WIDE_FROM;
    root.dataset.wide = String(board.ui.wide.value);
  };
  const sizes = new ResizeObserver(measure);
  sizes.observe(root);
  measure();
  render(
    <BoardContext.Provider value={board}>
      <App root={root} />
    </BoardContext.Provider>,
    place,
  );
  return () => {
    sizes.disconnect();
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
  useGlobalKeys(root);
  const model = board.kernel.model.value;
  const wide = board.ui.wide.value;
  if (!model) return <Waiting />;
  return (
    <>
      <PromptBar />
      <Problems />
      <main class="body">
        <Panels home="map" model={model} />
        <Tabs />
        <div class="inspector">
          <Controls />
          <Panels home="side" model={model} />
        </div>
        <div class="ledger">
          {wide && <Jobs />}
          <Panels home="foot" model={model} />
        </div>
      </main>
      {!wide && <Jobs />}
      <Footer />
      <HelpDialog />
      <CodeDialog />
    </>
  );
}

/** The panels that have something to show, in one place of the board. */
function Panels({ home, model }: { home: Panel["home"]; model: ModelInfo }) {
  const board = useBoard();
  const shown = board.panels.value.filter((panel) => panel.home === home && panel.applies(board));
  return shown.map(({ id, component: View }) => <View key={`${id} ${model.name}`} model={model} />);
}

/** Every panel that has something to show is visible. */
function useVisible(): void {
  const board = useBoard();
  useSignalEffect(() => {
    const shown = board.panels.value
      .filter((panel) => panel.applies(board))
      .map((panel) => panel.id);
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
  const frame = useRef(0);
  useSignalEffect(() => {
    const revision = board.complete.value;
    const seq = board.kernel.state.value?.seq;
    if (seq === undefined) return;
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      // A message is delivered after the rendering that the frame's callbacks precede.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        if (revision >= 0) root.dataset.revision = String(revision);
        root.dataset.seq = String(seq);
        port1.close();
      };
      port2.postMessage(null);
    });
  });
}

function useGlobalKeys(root: HTMLElement): void {
  const board = useBoard();
  useLayoutEffect(() => {
    const typing = (target: EventTarget | null) =>
      target instanceof HTMLElement && target.matches("input[type=text], textarea, select");
    const onKey = (event: KeyboardEvent) => {
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
    root.addEventListener("keydown", onKey);
    return () => root.removeEventListener("keydown", onKey);
  }, [root, board]);
}
