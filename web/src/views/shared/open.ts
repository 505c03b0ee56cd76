/** Brings the head view into sight and moves the keyboard there. */
export function openHead(from: HTMLElement | null): void {
  const root = from?.closest(".circuitboard");
  requestAnimationFrame(() => {
    const title = root?.querySelector<HTMLElement>("[data-testid=head-title]");
    title?.scrollIntoView({ block: "nearest" });
    title?.focus({ preventScroll: true });
  });
}
