export const OPEN = "circuitboard-open";

/** Brings the panel of the selected part into sight, and moves the keyboard there. */
export function openHead(from: HTMLElement | null): void {
  from?.dispatchEvent(new CustomEvent(OPEN, { bubbles: true }));
}
