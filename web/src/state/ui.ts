import { computed, type Signal, signal } from "@preact/signals";
import type { Drop } from "../layout/drag";
import type { Menu } from "../layout/menus";
import type { Measure, Problem } from "../wire/types";

export type Side = "now" | "baseline" | "difference";
export type Theme = "light" | "dark";

/** A part of the map, and where it lies in the window. */
export interface Target {
  address: string;
  box: { left: number; top: number; width: number; height: number };
}

/** A token on its way to a part: its text, its position as addresses name it, where it is. */
export interface TokenDrag {
  text: string;
  at: string;
  x: number;
  y: number;
  over: Target | null;
}

export type Setting = string | number | boolean | null;

function isSetting(value: unknown): value is Setting {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

/** Whether a kept value can stand for a setting that starts with `initial`. */
function isLike(value: unknown, initial: unknown): boolean {
  return isSetting(value) && (initial === null || typeof value === typeof initial);
}

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
  /** The token of the contrast prompt that is dragged. */
  readonly drag: Signal<TokenDrag | null> = signal(null);
  /** Finds the part of the map at a place of the window; the map sets it while it is shown. */
  partUnder: (x: number, y: number) => Target | null = () => null;
  readonly help = signal(false);
  /** Whether the ways to save are open. */
  readonly saving = signal(false);
  readonly code: Signal<string | null> = signal(null);
  readonly copied = signal(false);
  readonly tour = signal(false);
  /** The menu that is open. */
  readonly menu: Signal<Menu | null> = signal(null);
  /** Where the panel that is dragged would go. */
  readonly drop: Signal<Drop | null> = signal(null);
  /** The state's problem that a person has read. */
  readonly dismissed: Signal<Problem | null> = signal(null);

  private readonly locals = new Map<string, Signal<unknown>>();
  private readonly initials = new Map<string, unknown>();
  /** Settings of views that have not been shown yet. */
  private readonly waiting = new Map<string, unknown>();
  /** Counts the settings there are. */
  private readonly known = signal(0);

  /** A setting of one view, kept with the board: the same name gives the same signal. */
  local<T extends Setting>(name: string, initial: T): Signal<T> {
    let found = this.locals.get(name);
    if (!found) {
      const kept = this.waiting.get(name);
      found = signal<unknown>(isLike(kept, initial) ? kept : initial);
      this.locals.set(name, found);
      this.initials.set(name, initial);
      // Asked for while a view is drawn: whoever counts them is told afterwards.
      queueMicrotask(() => {
        this.known.value = this.locals.size;
      });
    }
    return found as Signal<T>;
  }

  /** The settings that differ from their first value. Reads signals. */
  settings(): Record<string, unknown> {
    void this.known.value;
    const found: [string, unknown][] = [...this.waiting].filter(([name]) => !this.locals.has(name));
    for (const [name, held] of this.locals) {
      if (held.value !== this.initials.get(name)) found.push([name, held.value]);
    }
    return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** All settings as they are at first. */
  reset(): void {
    this.waiting.clear();
    for (const [name, held] of this.locals) held.value = this.initials.get(name);
  }

  /** Sets what {@link settings} gave; what is not a setting is left out. */
  restore(settings: unknown): void {
    if (typeof settings !== "object" || settings === null) return;
    for (const [name, value] of Object.entries(settings)) {
      if (!isSetting(value)) continue;
      const held = this.locals.get(name);
      if (!held) this.waiting.set(name, value);
      else if (isLike(value, this.initials.get(name))) held.value = value;
    }
  }
}
