import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Grids, unpack } from "../wire/arrays";
import type { Info, Job, Problem, State, View, ViewData } from "../wire/types";

/** What one view draws, as it arrived last. */
export interface Picture {
  view: View;
  revision: number;
  grids: Grids;
  info: Info | null;
  problem: Problem | null;
}

/** A file that the kernel has made: where it lies, and what is in it. */
export interface SavedFile {
  name: string;
  path: string;
  content: Blob | null;
  problem: Problem | null;
}

/** One name for what a view asks for, whatever the order of its fields. */
export function viewKey(view: View): string {
  const { kind, ...rest } = view;
  const fields = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${kind} ${JSON.stringify(fields)}`;
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
  /** The file that was asked for last, once it is made. */
  readonly saved: Signal<SavedFile | null> = signal(null);
  /** What went wrong with a request; the state stays as it was. */
  readonly refused: Signal<Problem | null> = signal(null);

  readonly model = slice(this.state, (s) => s.model, null);
  readonly tokens = slice(this.state, (s) => s.tokens, []);
  readonly metric = slice(this.state, (s) => s.metric, null);
  readonly entries = slice(this.state, (s) => s.entries, []);
  readonly own = slice(this.state, (s) => s.own, []);
  readonly selection = slice(this.state, (s) => s.selection, []);
  readonly problem = slice(this.state, (s) => s.problem, null);
  readonly directions = slice(this.state, (s) => s.directions, []);
  /** Whether a circuit is open on the board. */
  readonly circuit = slice(this.state, (s) => s.circuit, false);
  readonly prompt = slice(this.state, (s) => s.prompt, "");
  /** The second prompt, whose values are patched in; empty where there is none. */
  readonly contrast = slice(this.state, (s) => s.contrast, "");
  readonly contrastTokens = slice(this.state, (s) => s.contrast_tokens, []);
  /** Which tokens of the two prompts correspond. */
  readonly alignment = slice(this.state, (s) => s.alignment, []);
  readonly busy = computed(() => this.state.value?.busy ?? false);
  /** Whether there is a model to change: a saved board has none. */
  readonly live = computed(() => this.state.value?.live ?? true);
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
    const { view, revision, info, problem } = data;
    try {
      held.value = { view, revision, info, problem, grids: unpack(data.arrays, buffers) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const broken: Problem = { kind: "message", message, hint: "Reload the board." };
      held.value = { view, revision, info, problem: broken, grids: {} };
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

/** What came beside a picture's arrays, if it is of that kind. */
export function infoOf<K extends Info["of"]>(
  picture: Picture | null,
  of: K,
): Extract<Info, { of: K }> | null {
  const info = picture?.info;
  return info?.of === of ? (info as Extract<Info, { of: K }>) : null;
}
