import { computed, type Signal, signal } from "@preact/signals";
import type { Measure, Problem } from "../wire/types";

export type Side = "now" | "baseline" | "difference";
export type Theme = "light" | "dark";

/** What a person does on the screen that the kernel need not know. */
export class UiState {
  /** The panels that can be seen now, by id: the kernel computes for these alone. */
  readonly visible: Signal<ReadonlySet<string>> = signal(new Set<string>());
  readonly measure: Signal<Measure> = signal("attribution");
  readonly mapSide: Signal<Side> = signal("now");
  readonly headSide: Signal<Side> = signal("now");
  readonly valueWeighted = signal(false);
  /** Whether the token in focus is the one that looks, or the one looked at. */
  readonly focusAs: Signal<"destination" | "source"> = signal("destination");

  readonly hoverPart: Signal<string | null> = signal(null);
  readonly hoverToken: Signal<number | null> = signal(null);
  readonly lockToken: Signal<number | null> = signal(null);
  /** The token that the head view shows, if a person points at one. */
  readonly focusToken = computed(() => this.hoverToken.value ?? this.lockToken.value);

  /** Selected here, and not yet confirmed. */
  readonly pendingSelection: Signal<readonly string[] | null> = signal(null);
  readonly pendingPosition: Signal<number | null> = signal(null);

  readonly theme: Signal<Theme> = signal("light");
  readonly wide = signal(true);
  readonly help = signal(false);
  /** Whether the ways to save are open. */
  readonly saving = signal(false);
  readonly code: Signal<string | null> = signal(null);
  readonly copied = signal(false);
  /** The state's problem that a person has read. */
  readonly dismissed: Signal<Problem | null> = signal(null);

  private readonly locals = new Map<string, Signal<unknown>>();

  /** A setting of one view, kept for as long as the board: the same name gives the same signal. */
  local<T extends string | number | boolean | null>(name: string, initial: T): Signal<T> {
    let found = this.locals.get(name);
    if (!found) {
      found = signal<unknown>(initial);
      this.locals.set(name, found);
    }
    return found as Signal<T>;
  }
}
