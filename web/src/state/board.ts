import { computed, effect, type ReadonlySignal, untracked } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { Layout } from "../layout/layout";
import { Memory } from "../layout/memory";
import type { Transport } from "../transport/transport";
import { type Client, connect, type Unsent } from "../wire/client";
import type {
  Act,
  EditCircuit,
  EditWeights,
  Library,
  LogitsView,
  MakeDirection,
  MapView,
  Paint,
  Reply,
  Save,
  View,
} from "../wire/types";
import { drawnPart, headOf, isHead } from "./address";
import { KernelState, viewKey } from "./kernel";
import type { Panel, PanelKinds } from "./panels";
import { UiState } from "./ui";

const TOP = 12;
/** How long the first picture waits for the layout that the board remembers. */
const PATIENCE_MS = 400;
/** Requests that say nothing about whether the last one was refused. */
const QUIET: ReadonlySet<Unsent["op"]> = new Set(["show", "select", "look", "remember", "foresee"]);

/** Something that can be done to the model, or taken back. */
export type Deed = Omit<Act, "op" | "id">;

/** One board on screen: what the kernel said, what the person does, and what can be asked for. */
export class Board {
  readonly kernel = new KernelState();
  readonly ui = new UiState();
  readonly layout: Layout;
  private readonly memory: Memory;
  private readonly client: Client;
  private readonly screen = Math.random().toString(36).slice(2);
  private readonly stops: (() => void)[] = [];
  private selects = 0;
  private waitNoLonger: ReturnType<typeof setTimeout> | undefined;

  readonly selection = computed(
    () => this.ui.pendingSelection.value ?? this.kernel.selection.value,
  );
  readonly position = computed(() => this.ui.pendingPosition.value ?? this.kernel.position.value);
  /** The parts of the map that the selection lies in. */
  readonly drawnSelection = computed(() =>
    this.selection.value.map((address) => drawnPart(address.split("@")[0] ?? address)),
  );
  /** The head that the head view shows: the last one selected. */
  readonly head = computed(() => {
    const heads = this.selection.value.filter(isHead);
    return heads.length ? headOf(heads[heads.length - 1] as string) : null;
  });
  readonly mapView: ReadonlySignal<MapView> = computed(() => {
    const measure = this.ui.measure.value;
    const position = measure === "entropy" ? this.fromEnd(this.position.value) : -1;
    return { kind: "map", measure, position };
  });
  readonly logitsView: ReadonlySignal<LogitsView> = computed(() => ({
    kind: "logits",
    position: this.fromEnd(this.position.value),
    k: TOP,
  }));
  /** Every panel that there is: the board's own, and those made in the notebook. */
  readonly panels: ReadonlySignal<readonly Panel[]> = computed(() => [
    ...this.kinds.fixed,
    ...this.kernel.own.value.map(this.kinds.own),
  ]);
  /** What the visible panels need, each view once. */
  readonly views: ReadonlySignal<readonly View[]> = computed(() => {
    const found = new Map<string, View>();
    for (const panel of this.panels.value) {
      if (!this.ui.visible.value.has(panel.id)) continue;
      for (const view of panel.views(this)) found.set(viewKey(view), view);
    }
    return [...found.values()];
  });
  /** The revision that every visible view shows; the older one while some are on their way. */
  readonly complete = computed(() => {
    const shown = this.views.value.map((view) => this.kernel.picture(view).value?.revision ?? -1);
    return Math.min(this.kernel.revision.value, ...shown);
  });

  constructor(
    transport: Transport,
    private readonly kinds: PanelKinds,
    /** Where the board stands, such as beside which notebook; empty where that is not known. */
    private readonly where: () => string = () => "",
  ) {
    const { kernel } = this;
    this.layout = new Layout(this);
    this.memory = new Memory(this.layout, this.ui, (layout) => {
      this.tell({ op: "remember", layout });
    });
    this.client = connect(transport, {
      state: (state) => {
        kernel.state.value = state;
        this.waitNoLonger ??= setTimeout(() => {
          this.layout.ready.value = true;
        }, PATIENCE_MS);
      },
      data: (data, buffers) => kernel.take(data, buffers),
      progress: ({ jobs }) => {
        kernel.jobs.value = jobs;
      },
      saved: ({ name, path, problem }, buffers) => {
        const content = buffers[0] ? new Blob([bytesOf(buffers[0])]) : null;
        kernel.saved.value = { name, path, problem, content };
      },
      late: (late) => {
        kernel.late.value = late;
      },
      remembered: (layout) => this.memory.show(layout),
      gap: () => void this.hello(),
    });
    this.start();
  }

  /** The last token is called -1, so that it stays the last when the prompt changes. */
  private fromEnd(index: number): number {
    return index >= this.kernel.tokens.value.length - 1 ? -1 : index;
  }

  private start(): void {
    let shown = this.views.peek().map(viewKey).join();
    let followed: string | undefined | null = null;
    void this.greet();
    this.stops.push(
      effect(() => {
        const [last] = this.selection.value.slice(-1);
        // The kernel's word for what was selected here already: another panel may be open by now.
        const known = this.ui.pendingSelection.value === null && last === followed;
        followed = last;
        if (!known) untracked(() => this.layout.follow(last));
      }),
      effect(() => {
        const ids = this.panels.value.map((panel) => panel.id);
        untracked(() => this.layout.meet(ids));
      }),
      effect(() => {
        const views = this.views.value;
        const key = views.map(viewKey).join();
        if (key === shown) return;
        shown = key;
        this.kernel.keepOnly(views);
        void this.ask({ op: "show", views: [...views], screen: this.screen });
      }),
    );
  }

  /** The layout that the board remembers comes with the first answer. */
  private async greet(): Promise<void> {
    const { text } = await this.hello();
    this.memory.begin(text ?? "", this.place());
    this.layout.ready.value = true;
  }

  /** A name under which the browser keeps the layout. */
  private place(): string {
    const model = this.kernel.model.peek();
    const shape = model ? `${model.name} ${model.n_layers}x${model.n_heads}` : "";
    return this.where() || shape;
  }

  private hello(): Promise<Reply> {
    return this.ask({ op: "hello", views: [...this.views.peek()], screen: this.screen });
  }

  private async ask(request: Unsent): Promise<Reply> {
    const reply = await this.client.ask(request);
    if (reply.problem) this.kernel.refused.value = reply.problem;
    else if (!QUIET.has(request.op)) this.kernel.refused.value = null;
    return reply;
  }

  act(verb: Act["verb"], at: readonly string[] = [], factor: number | null = null): void {
    this.carryOut({ verb, at: [...at], factor });
  }

  carryOut(deed: Deed): void {
    void this.ask({ op: "act", ...deed });
  }

  /** Has the run made that a deed would need, and changes nothing. */
  foresee(deed: Deed): void {
    void this.ask({ op: "foresee", ...deed });
  }

  /** Edits the model's weights: see the message. */
  editWeights(edit: Omit<EditWeights, "op" | "id">): void {
    void this.ask({ op: "edit-weights", ...edit });
  }

  /** Changes the circuit that is open: see the message. */
  editCircuit(
    verb: EditCircuit["verb"],
    at: readonly string[] = [],
    size: number | null = null,
    step = "",
  ): Promise<Reply> {
    return this.ask({ op: "edit-circuit", verb, at: [...at], size, step });
  }

  /** Has the data of a view sent once, such as the exact values under the pointer. */
  look(view: View): void {
    void this.ask({ op: "look", view });
  }

  /** Sets cells of a head's pattern; whether they were accepted. */
  async paintPattern(request: Omit<Paint, "op" | "id">): Promise<boolean> {
    return !(await this.ask({ op: "paint", ...request })).problem;
  }

  /** Adds a direction to a place; whether it was accepted. One `step` is one step of undo. */
  async steer(at: string, direction: string, coefficient: number, step: string): Promise<boolean> {
    return !(await this.ask({ op: "steer", at, direction, coefficient, step })).problem;
  }

  /** Makes a direction; its name, or null where that was refused. */
  async makeDirection(request: Omit<MakeDirection, "op" | "id">): Promise<string | null> {
    const { problem, text } = await this.ask({ op: "make-direction", ...request });
    return problem ? null : (text ?? null);
  }

  /** Gives a direction another name, or forgets it where that is empty. */
  async keepDirection(name: string, to: string): Promise<boolean> {
    return !(await this.ask({ op: "keep-direction", name, new: to })).problem;
  }

  /** Sets the prompt, and the contrast prompt unless it is null; whether it was accepted. */
  async prompt(
    prompt: string,
    target: string,
    foil: string,
    contrast: string | null = null,
  ): Promise<boolean> {
    return !(await this.ask({ op: "ask", prompt, target, foil, contrast })).problem;
  }

  /** Sets the contrast prompt, none if it is empty; whether it was accepted. */
  contrast(text: string): Promise<boolean> {
    const { target = "", foil = "" } = this.kernel.metric.peek() ?? {};
    return this.prompt(this.kernel.prompt.peek(), target, foil, text);
  }

  /** Exchanges the prompt and the contrast prompt; whether it was accepted. */
  async swap(): Promise<boolean> {
    return !(await this.ask({ op: "act", verb: "swap" })).problem;
  }

  /** Shows the selection at once; the kernel's word replaces it. */
  async select(addresses: readonly string[], position: number | null = null): Promise<void> {
    const mine = ++this.selects;
    const sent = position === null ? null : this.fromEnd(position);
    this.ui.pendingSelection.value = [...addresses];
    if (position !== null) this.ui.pendingPosition.value = position;
    await this.ask({ op: "select", addresses: [...addresses], position: sent });
    if (mine !== this.selects) return;
    this.ui.pendingSelection.value = null;
    this.ui.pendingPosition.value = null;
  }

  /** The source of a drawing library that the kernel has; empty where it has none. */
  async library(name: Library["name"]): Promise<string> {
    return (await this.ask({ op: "library", name })).text ?? "";
  }

  async code(): Promise<string> {
    return (await this.ask({ op: "code" })).text ?? "";
  }

  cancel(job: number): void {
    void this.ask({ op: "cancel", job });
  }

  /** The page goes away: the layout is kept, and nothing is computed for it any more. */
  leave(): void {
    this.memory.flush();
    this.tell({ op: "show", views: [], screen: this.screen });
  }

  /** Has a file made of the board, or of what it shows; {@link KernelState.saved} tells of it. */
  async save(what: Save["what"]): Promise<boolean> {
    this.kernel.saved.value = null;
    return !(await this.ask({ op: "save", what, views: [...this.views.peek()] })).problem;
  }

  /** Says something that is of no use where the kernel is gone. */
  private tell(request: Unsent): void {
    this.ask(request).catch(() => undefined);
  }

  close(): void {
    clearTimeout(this.waitNoLonger);
    this.memory.stop();
    for (const stop of this.stops) stop();
    this.leave();
    this.client.close();
  }
}

function bytesOf(view: DataView): ArrayBuffer {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer;
}

export const BoardContext = createContext<Board | null>(null);

export function useBoard(): Board {
  const board = useContext(BoardContext);
  if (!board) throw new Error("A view is outside of its board.");
  return board;
}
