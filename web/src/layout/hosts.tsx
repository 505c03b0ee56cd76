import { render } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type Board, BoardContext, useBoard } from "../state/board";
import type { Panel } from "../state/panels";
import type { ModelInfo } from "../wire/types";

interface Host {
  element: HTMLElement;
  model: string;
  view: Panel["component"];
  /** How far its boxes were scrolled when it left its last place: a move forgets that. */
  scrolled: readonly (readonly [Element, number, number])[];
}

function scrolledIn(element: Element): Host["scrolled"] {
  return [element, ...element.querySelectorAll("*")]
    .filter((each) => each.scrollLeft !== 0 || each.scrollTop !== 0)
    .map((each) => [each, each.scrollLeft, each.scrollTop]);
}

/** The panels' own elements: they move between docks without being drawn anew. */
class Hosts {
  private readonly hosts = new Map<string, Host>();

  constructor(private readonly board: Board) {}

  /** Puts a panel into an element. */
  enter(panel: Panel, model: ModelInfo, into: HTMLElement): void {
    const old = this.hosts.get(panel.id);
    const name = `${model.name} ${model.n_layers}`;
    // In another window's page the panel measures itself by that page: it starts anew.
    const here = old?.element.ownerDocument === into.ownerDocument;
    if (old && here && old.model === name && old.view === panel.component) {
      into.append(old.element);
      for (const [box, x, y] of old.scrolled) box.scrollTo(x, y);
      return;
    }
    this.drop(panel.id);
    const element = into.ownerDocument.createElement("div");
    element.className = "panel-host";
    element.dataset.panel = panel.id;
    element.dataset.home = panel.home;
    into.append(element);
    const View = panel.component;
    this.hosts.set(panel.id, { element, model: name, view: View, scrolled: [] });
    render(
      <BoardContext.Provider value={this.board}>
        <View model={model} />
      </BoardContext.Provider>,
      element,
    );
  }

  /** A place of the panel is gone; it is dropped unless it is put into another one now. */
  leave(panel: Panel, from: HTMLElement): void {
    const host = this.hosts.get(panel.id);
    if (host?.element.parentNode !== from) return;
    const { element } = host;
    host.scrolled = scrolledIn(element);
    element.remove();
    queueMicrotask(() => {
      if (!element.isConnected && !panel.keep) this.drop(panel.id, element);
    });
  }

  private drop(id: string, element = this.hosts.get(id)?.element): void {
    if (!element) return;
    if (this.hosts.get(id)?.element === element) this.hosts.delete(id);
    render(null, element);
    element.remove();
  }

  close(): void {
    for (const id of [...this.hosts.keys()]) this.drop(id);
  }
}

const all = new WeakMap<Board, Hosts>();

export function hostsOf(board: Board): Hosts {
  let found = all.get(board);
  if (!found) {
    found = new Hosts(board);
    all.set(board, found);
  }
  return found;
}

/** Where a panel is shown now. */
export function Slot({ panel, model }: { panel: Panel; model: ModelInfo }) {
  const board = useBoard();
  const hosts = hostsOf(board);
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const own = place.current;
    if (!own) return;
    hosts.enter(panel, model, own);
    return () => hosts.leave(panel, own);
  }, [hosts, panel, model]);
  return (
    <div
      class="slot"
      ref={place}
      id={board.layout.elementId(panel.id)}
      role="tabpanel"
      aria-label={panel.title}
    />
  );
}
