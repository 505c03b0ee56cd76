// Brings the board of a notebook's kernel into a panel, and again after whatever takes it away.

import type { NotebookPanel } from "@jupyterlab/notebook";
import type { IRenderMime } from "@jupyterlab/rendermime";
import type { KernelConnection, StartOptions } from "./host.js";
import { Hello, listen, type Making, make, Trouble, useSubshells } from "./kernel.js";
import type { NoticeText } from "./notice.js";

const VIEW_MIME = "application/vnd.jupyter.widget-view+json";
const GONE = new Set(["restarting", "autorestarting", "terminating"]);
const NOT_FOUND = "model not found";
const RENDER_TRIES = 25;
const RENDER_WAIT_MS = 200;

export type State = "starting" | "waiting" | "ready" | "problem";

/** Where the board, or a notice in its place, is shown. */
export interface Surface {
  readonly isDisposed: boolean;
  notice(state: State, text: NoticeText): void;
  board(modelId: string, renderer: IRenderMime.IRenderer): void;
  /** The notebook has closed. */
  closed(): void;
  renamed(path: string): void;
}

type MimeModel = typeof import("@jupyterlab/rendermime").MimeModel;

export class Mount {
  private notebook: NotebookPanel | null = null;
  private hello: Hello | null = null;
  private early: Making | null = null;
  /** Counts what was begun: work of an older turn leaves the panel alone. */
  private turn = 0;
  private lost = false;

  /** `start`: what to make where there is no board; null: wait until a cell makes one. */
  constructor(
    private readonly surface: Surface,
    private readonly mimeModel: MimeModel,
    private start: StartOptions | null,
  ) {}

  attach(notebook: NotebookPanel): void {
    this.notebook = notebook;
    const session = notebook.sessionContext;
    session.statusChanged.connect(this.onStatus, this);
    session.connectionStatusChanged.connect(this.onConnection, this);
    session.kernelChanged.connect(this.again, this);
    notebook.context.pathChanged.connect((_, path) => this.surface.renamed(path));
    notebook.disposed.connect(() => this.surface.closed());
    this.again();
  }

  fail(error: unknown): void {
    if (!(error instanceof Trouble)) console.error("circuitboard", error);
    this.surface.notice("problem", {
      title: error instanceof Error ? error.message : String(error),
      detail: error instanceof Trouble ? error.hint : "",
      action: { label: "Retry", run: this.retry },
    });
  }

  dispose(): void {
    this.turn += 1;
    this.hello?.close();
  }

  private readonly again = (): void => {
    const turn = ++this.turn;
    this.mount(turn).catch((error: unknown) => {
      if (this.isCurrent(turn)) this.fail(error);
    });
  };

  private readonly retry = (): void => {
    const session = this.notebook?.sessionContext;
    if (session?.kernelDisplayStatus === "dead") void session.restartKernel();
    else this.again();
  };

  private isCurrent(turn: number): boolean {
    return turn === this.turn && !this.surface.isDisposed;
  }

  /** After a restart: the board's requests go out before those of "restart and run all cells". */
  private onConnection(): void {
    const kernel = this.notebook?.sessionContext.session?.kernel;
    if (this.lost && this.start && kernel?.connectionStatus === "connected") {
      this.early ??= make(kernel, this.start);
    }
    this.onStatus();
  }

  private onStatus(): void {
    const session = this.notebook?.sessionContext;
    if (!session || this.surface.isDisposed) return;
    const status = session.kernelDisplayStatus;
    if (GONE.has(status)) {
      this.lose("starting", { title: "Restarting the kernel …", working: true });
    } else if (status === "dead") {
      const action = { label: "Restart", run: this.retry };
      this.lose("problem", { title: "The kernel has stopped.", action });
    } else if (this.lost && (status === "idle" || status === "busy")) {
      if (session.session?.kernel?.connectionStatus !== "connected") return;
      this.lost = false;
      this.again();
    }
  }

  private lose(state: State, text: NoticeText): void {
    this.lost = true;
    this.early = null;
    this.turn += 1;
    this.surface.notice(state, text);
  }

  private working(title: string): void {
    this.surface.notice("starting", { title, working: true });
  }

  private async mount(turn: number): Promise<void> {
    const session = this.notebook?.sessionContext;
    if (!session) return;
    this.working("Waiting for the kernel …");
    await session.ready;
    const kernel = session.session?.kernel;
    if (!kernel || !this.isCurrent(turn)) return;
    useSubshells(kernel);
    await kernel.info;
    if (!this.isCurrent(turn)) return;
    if (this.hello?.kernel !== kernel) {
      this.hello?.close();
      this.hello = new Hello(kernel, (id) => void this.render(id, ++this.turn));
    }
    const there = this.early ? null : await this.hello.ask();
    if (!this.isCurrent(turn)) return;
    const id = there ?? (await this.boardFrom(kernel, turn));
    if (id && this.isCurrent(turn)) await this.render(id, turn);
  }

  /** Makes the board, or waits for one; null: nothing to show yet. */
  private async boardFrom(kernel: KernelConnection, turn: number): Promise<string | null> {
    if (!this.start) return this.waitForBoard(kernel, turn);
    this.working(
      this.hello?.unanswered
        ? "The kernel is busy: the board opens when its cell has ended."
        : "Loading Python's libraries …",
    );
    const making = this.early ?? make(kernel, this.start);
    this.early = null;
    await making.prepared;
    if (!this.isCurrent(turn)) return null;
    const name = this.start.model?.split(/[\\/]/).pop() ?? "names";
    this.working(`Loading the model ${name} …`);
    const id = await making.board;
    if (!id) throw new Trouble("The kernel made no board.", "Try again.");
    if (this.isCurrent(turn)) void this.hello?.ask();
    return id;
  }

  private async waitForBoard(kernel: KernelConnection, turn: number): Promise<string | null> {
    this.working("Looking for a board …");
    await listen(kernel);
    if (!this.isCurrent(turn)) return null;
    const id = (await this.hello?.ask()) ?? null;
    if (id || !this.isCurrent(turn)) return id;
    const run = () => {
      this.start = {};
      this.again();
    };
    this.surface.notice("waiting", {
      title: "This notebook has no board yet.",
      detail: "A cell that makes one shows it here: board = circuitboard.Board(model, prompt=…)",
      action: { label: "Load the model names", run },
    });
    return null;
  }

  private async render(modelId: string, turn: number): Promise<void> {
    const notebook = this.notebook;
    if (!notebook) return;
    const view = { model_id: modelId, version_major: 2, version_minor: 0 };
    for (let tries = 0; tries < RENDER_TRIES; tries += 1) {
      const renderer = notebook.content.rendermime.createRenderer(VIEW_MIME);
      await renderer.renderModel(new this.mimeModel({ data: { [VIEW_MIME]: view } }));
      if (!this.isCurrent(turn)) return renderer.dispose();
      // The widget's own message may reach the page after the answer that names it.
      if (!renderer.node.textContent?.includes(NOT_FOUND)) {
        return this.surface.board(modelId, renderer);
      }
      renderer.dispose();
      await new Promise((resolve) => setTimeout(resolve, RENDER_WAIT_MS));
    }
    this.fail(new Trouble("The board's widget did not reach this page.", "Reload the page."));
  }
}
