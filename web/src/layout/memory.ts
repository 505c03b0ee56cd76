import { effect } from "@preact/signals";
import type { UiState } from "../state/ui";
import type { Layout } from "./layout";

const REST_MS = 700;
const STORE = "circuitboard.layout:";
const VERSION = 1;

/** The browser's own store, where it gives one. */
export const store = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  /** Whether it was kept. */
  set(key: string, text: string): boolean {
    try {
      localStorage.setItem(key, text);
      return true;
    } catch {
      return false;
    }
  },
};

/**
 * Keeps the layout and the views' settings: with the board in the kernel, and in the browser for
 * when the kernel has been restarted.
 */
export class Memory {
  /** What the kernel holds, as far as this screen knows. */
  private known: string;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private place = "";
  readonly stop: () => void;

  constructor(
    private readonly layout: Layout,
    private readonly ui: UiState,
    private readonly send: (text: string) => void,
  ) {
    this.known = this.written();
    this.stop = effect(() => {
      const text = this.written();
      clearTimeout(this.timer);
      this.timer = undefined;
      if (text !== this.known) this.timer = setTimeout(() => this.keep(text), REST_MS);
    });
  }

  /** Keeps at once what would be kept in a moment. */
  flush(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.keep(this.written());
  }

  /** The board's first answer: what it remembers, and where it stands. */
  begin(text: string, place: string): void {
    this.place = place;
    if (text) this.show(text);
    else {
      const kept = store.get(STORE + place);
      // The kernel does not have it: it is sent as if it were new.
      if (kept) this.read(kept);
    }
  }

  /** Another layout, from Python; empty: the default, of the views' settings too. */
  show(text: string): void {
    if (text) this.read(text);
    else {
      this.layout.reset();
      this.ui.reset();
    }
    this.known = this.written();
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.place) store.set(STORE + this.place, text);
  }

  private written(): string {
    return JSON.stringify({ v: VERSION, ...this.layout.write(), settings: this.ui.settings() });
  }

  private read(text: string): void {
    try {
      const from = JSON.parse(text) as Record<string, unknown> | null;
      if (from?.v !== VERSION) return;
      this.ui.restore(from.settings);
      this.layout.read(from);
    } catch {
      // A text that nobody can read is as good as none.
    }
  }

  private keep(text: string): void {
    this.timer = undefined;
    this.known = text;
    if (this.place) store.set(STORE + this.place, text);
    this.send(text);
  }
}
