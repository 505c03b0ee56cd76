import { effect } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { applyPalette } from "../draw/theme";
import { type Board, BoardContext, useBoard } from "../state/board";
import type { Panel } from "../state/panels";
import { css } from "../styles/index";
import { hostsOf, Slot } from "./hosts";

const SIZE = { width: 620, height: 680 };
const LOOK_MS = 400;

/** A panel's window: the same page's code, in a window that holds nothing else. */
class Popout {
  private readonly stops: (() => void)[] = [];

  constructor(
    board: Board,
    panel: Panel,
    private readonly own: Window,
    keys: (event: KeyboardEvent) => void,
  ) {
    const { document: page } = own;
    page.title = `${panel.title} · ${board.kernel.model.peek()?.name ?? "Circuitboard"}`;
    page.body.style.margin = "0";
    const root = page.createElement("div");
    root.className = "circuitboard";
    root.dataset.testid = "popout";
    root.dataset.wide = "true";
    const style = page.createElement("style");
    style.textContent = css;
    const place = page.createElement("div");
    place.className = "cb-root";
    root.append(style, place);
    page.body.append(root);
    root.addEventListener("keydown", keys);
    this.stops.push(effect(() => applyPalette(root, board.ui.theme.value)));
    render(
      <BoardContext.Provider value={board}>
        <Alone panel={panel} />
      </BoardContext.Provider>,
      place,
    );
    this.stops.push(() => render(null, place));
    // Closing a window tells its opener nothing that all browsers agree on.
    const timer = setInterval(() => own.closed && board.layout.dock(panel.id), LOOK_MS);
    this.stops.push(() => clearInterval(timer));
    own.addEventListener("pagehide", () => board.layout.dock(panel.id));
  }

  close(): void {
    for (const stop of this.stops.splice(0)) stop();
    this.own.close();
  }
}

/** All that such a window shows. */
function Alone({ panel }: { panel: Panel }) {
  const { layout, kernel } = useBoard();
  const model = kernel.model.value;
  const there = layout.panel(panel.id);
  return (
    <main class="alone">
      {model && there && layout.isVisible(panel.id) ? (
        <Slot panel={there} model={model} />
      ) : (
        <p class="empty">Nothing to show for what is selected on the board.</p>
      )}
    </main>
  );
}

/** Opens and closes windows as the layout says. */
export function usePopouts(keys: (event: KeyboardEvent) => void): void {
  const board = useBoard();
  useEffect(() => {
    const { layout } = board;
    const windows = new Map<string, Popout>();
    layout.popOut = (panel) => {
      const size = `popup,width=${SIZE.width},height=${SIZE.height}`;
      const own = window.open("", "", size);
      if (!own) return false;
      windows.set(panel.id, new Popout(board, panel, own, keys));
      return true;
    };
    const opened = new Set<string>();
    const stop = effect(() => {
      const wanted = layout.popped.value;
      for (const [id, popout] of windows) {
        // A window is made just before the layout lists it.
        if (wanted.includes(id)) opened.add(id);
        else if (opened.delete(id)) {
          windows.delete(id);
          popout.close();
        }
      }
    });
    const closeAll = () => {
      for (const popout of windows.values()) popout.close();
      windows.clear();
    };
    addEventListener("pagehide", closeAll);
    return () => {
      removeEventListener("pagehide", closeAll);
      stop();
      closeAll();
      layout.popOut = () => false;
      hostsOf(board).close();
    };
  }, [board, keys]);
}
