import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Grids, unpack } from "../wire/arrays";
import type { Job, LogitsInfo, Problem, State, View, ViewData } from "../wire/types";

/** What one view draws, as it arrived last. */
export interface Picture {
  view: View;
  revision: number;
  grids: Grids;
  logits: LogitsInfo | null;
  problem: Problem | null;
}

/** One name for a view, whether or not its defaults are written out. */
export function viewKey(view: View): string {
  switch (view.kind) {
    case "map":
      return `map ${view.measure ?? "attribution"}`;
    case "head":
      return `head ${view.layer} ${view.head}`;
    case "logits":
      return `logits ${view.position ?? -1}`;
  }
}

/** A part of the state that keeps its identity while its content is the same. */
function slice<T>(from: ReadonlySignal<State | null>, pick: (state: State) => T, none: T) {
  let kept = none;
  let text = JSON.stringify(none);
  return computed(() => {
    const state = from.value;
    const next = state ? pick(state) : none;
    const written = JSON.stringify(next);
    if (written !== text) {
      kept = next;
      text = written;
    }
    return kept;
  });
}

/** All that the kernel has said. */
export class KernelState {
  readonly state: Signal<State | null> = signal(null);
  readonly jobs: Signal<readonly Job[]> = signal([]);
  readonly late = signal(false);
  /** What went wrong with a request; the state stays as it was. */
  readonly refused: Signal<Problem | null> = signal(null);

  readonly model = slice(this.state, (s) => s.model, null);
  readonly tokens = slice(this.state, (s) => s.tokens, []);
  readonly metric = slice(this.state, (s) => s.metric, null);
  readonly entries = slice(this.state, (s) => s.entries, []);
  readonly selection = slice(this.state, (s) => s.selection, []);
  readonly problem = slice(this.state, (s) => s.problem, null);
  readonly prompt = slice(this.state, (s) => s.prompt, "");
  readonly busy = computed(() => this.state.value?.busy ?? false);
  readonly plan = computed(() => this.state.value?.plan ?? "");
  readonly revision = computed(() => this.state.value?.revision ?? 0);
  /** The token looked at, counted from the first. */
  readonly position = computed(() => {
    const { position = -1, tokens = [] } = this.state.value ?? {};
    const index = position < 0 ? position + tokens.length : position;
    return Math.max(0, Math.min(index, tokens.length - 1));
  });

  private readonly pictures = new Map<string, Signal<Picture | null>>();

  /** The newest data of a view. */
  picture(view: View): Signal<Picture | null> {
    const key = viewKey(view);
    let found = this.pictures.get(key);
    if (!found) {
      found = signal(null);
      this.pictures.set(key, found);
    }
    return found;
  }

  /** Keeps data of a view, unless newer data of it is there. */
  take(data: ViewData, buffers: readonly DataView[]): void {
    const held = this.picture(data.view);
    if (held.value && held.value.revision > data.revision) return;
    const { view, revision, logits, problem } = data;
    try {
      held.value = { view, revision, logits, problem, grids: unpack(data.arrays, buffers) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const broken: Problem = { kind: "message", message, hint: "Reload the board." };
      held.value = { view, revision, logits, problem: broken, grids: {} };
    }
  }

  /** Forgets the data of views that are no longer shown: it would be out of date later. */
  keepOnly(views: readonly View[]): void {
    const shown = new Set(views.map(viewKey));
    batch(() => {
      for (const [key, held] of this.pictures) if (!shown.has(key)) held.value = null;
    });
  }
}
