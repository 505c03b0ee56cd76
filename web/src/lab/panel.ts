// The panel beside a notebook: it holds the board's own widget, or a notice in its place.

import type { NotebookPanel } from "@jupyterlab/notebook";
import type { PanelLayout, Widget } from "@lumino/widgets";
import { type StartOptions, shared } from "./host.js";
import { Mount, type State, type Surface } from "./mount.js";
import { type NoticeText, showNotice } from "./notice.js";

export interface BoardPanel extends Widget {
  /** The notebook's path: what the panel is known by. */
  readonly path: string;
  attach(notebook: NotebookPanel): void;
  fail(error: unknown): void;
}

export interface PanelOptions {
  path: string;
  /** What to make where the notebook has no board; null: wait until a cell makes one. */
  start: StartOptions | null;
  /** Called when the notebook's file has another name. */
  renamed: () => void;
}

export type PanelClass = new (options: PanelOptions) => BoardPanel;

/** The class, made when the host's own widget classes are there to extend. */
export async function panelClass(): Promise<PanelClass> {
  const lumino = await shared<typeof import("@lumino/widgets")>("@lumino/widgets");
  const mime = await shared<typeof import("@jupyterlab/rendermime")>("@jupyterlab/rendermime");

  return class extends lumino.Widget implements BoardPanel, Surface {
    path: string;
    private readonly mount: Mount;
    private stopClock: () => void = () => undefined;

    constructor(private readonly options: PanelOptions) {
      super();
      this.path = options.path;
      this.id = `circuitboard:${options.path}`;
      this.addClass("cb-panel");
      this.layout = new lumino.PanelLayout();
      this.mount = new Mount(this, mime.MimeModel, options.start);
      this.notice("starting", { title: "Opening the notebook …", working: true });
    }

    attach(notebook: NotebookPanel): void {
      this.mount.attach(notebook);
    }

    fail(error: unknown): void {
      this.mount.fail(error);
    }

    notice(state: State, text: NoticeText): void {
      if (this.isDisposed) return;
      this.stopClock();
      const widget = new lumino.Widget();
      this.stopClock = showNotice(widget.node, text);
      fill(this, widget, state);
    }

    board(modelId: string, renderer: Widget): void {
      this.stopClock();
      fill(this, renderer, "ready");
      this.node.dataset.model = modelId;
    }

    renamed(path: string): void {
      this.path = path;
      this.options.renamed();
    }

    closed(): void {
      this.parent?.dispose();
    }

    override dispose(): void {
      if (this.isDisposed) return;
      this.stopClock();
      this.mount.dispose();
      super.dispose();
    }
  };
}

function fill(panel: Widget, widget: Widget, state: State): void {
  const layout = panel.layout as PanelLayout;
  for (const old of [...layout.widgets]) {
    layout.removeWidget(old);
    old.dispose();
  }
  layout.addWidget(widget);
  panel.node.dataset.state = state;
}
