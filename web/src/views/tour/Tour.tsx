import { useSignal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { store } from "../../layout/memory";
import { useBoard } from "../../state/board";
import { STEPS, type Step } from "./steps";

const SEEN = "circuitboard.tour";
const MARGIN = 12;
const CALM_MS = 900;

/**
 * Starts the tour by itself, once for each browser: where the board is beside a notebook, has room,
 * and a person looks at it. Browsers that are driven by a program say so (navigator.webdriver).
 */
function useFirstTime(): void {
  const board = useBoard();
  useSignalEffect(() => {
    const { kernel, ui, layout } = board;
    if (navigator.webdriver || !ui.wide.value || !layout.ready.value) return;
    if (board.complete.value < 1 || kernel.model.value === null || store.get(SEEN)) return;
    const timer = setTimeout(() => {
      // Where the browser cannot keep that it was shown, it would come back for ever.
      if (!store.get(SEEN) && store.set(SEEN, "seen")) ui.tour.value = true;
    }, CALM_MS);
    return () => clearTimeout(timer);
  });
}

/** The tour, when it is asked for; `beside` a notebook it comes by itself the first time. */
export function Tour({ beside }: { beside: boolean }) {
  return beside ? <First /> : <Shown />;
}

function First() {
  useFirstTime();
  return <Shown />;
}

function Shown() {
  const { ui } = useBoard();
  return ui.tour.value ? <OpenTour /> : null;
}

interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
}

function targetOf(step: Step, root: Element | null): Place | null {
  const own = root?.getBoundingClientRect();
  if (!root || !own) return null;
  for (const selector of step.at) {
    const box = root.querySelector(selector)?.getBoundingClientRect();
    if (!box?.width || !box.height) continue;
    const left = Math.max(box.left - own.left, 0);
    const top = Math.max(box.top - own.top, 0);
    const width = Math.min(box.right - own.left, own.width) - left;
    return { left, top, width, height: Math.min(box.bottom - own.top, own.height) - top };
  }
  return null;
}

/** Beside the target where there is room: below, above, to the right, to the left, or over it. */
function putCard(card: HTMLElement, target: Place | null, room: Element): void {
  const { offsetWidth: width, offsetHeight: height } = card;
  const { clientWidth, clientHeight } = room;
  const t = target ?? {
    left: clientWidth / 2,
    top: clientHeight / 2 - height,
    width: 0,
    height: 0,
  };
  const middle = t.top + t.height / 2 - height / 2;
  const places: [number, number][] = [
    [t.left, t.top + t.height + MARGIN],
    [t.left, t.top - height - MARGIN],
    [t.left + t.width + MARGIN, middle],
    [t.left - width - MARGIN, middle],
  ];
  const fits = ([x, y]: [number, number]) =>
    x >= 0 && y >= 0 && x + width <= clientWidth && y + height <= clientHeight;
  const inside = (value: number, most: number) => Math.max(MARGIN, Math.min(value, most - MARGIN));
  const over: [number, number] = [t.left + MARGIN, t.top + t.height - height - MARGIN];
  const [x, y] = places.find(fits) ?? over;
  card.style.left = `${inside(x, clientWidth - width)}px`;
  card.style.top = `${inside(y, clientHeight - height)}px`;
}

function OpenTour() {
  const { ui } = useBoard();
  const layer = useRef<HTMLDivElement>(null);
  const card = useRef<HTMLElement>(null);
  const at = useSignal(0);
  const target = useSignal<Place | null>(null);
  const step = STEPS[at.value] as Step;
  const close = () => {
    ui.tour.value = false;
  };
  const go = (by: number) => {
    if (at.peek() + by >= STEPS.length) close();
    else at.value = Math.max(0, at.peek() + by);
  };
  useLayoutEffect(() => {
    const before = document.activeElement;
    return () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  useLayoutEffect(() => {
    const room = layer.current;
    if (!room || !card.current) return;
    const measure = () => {
      target.value = targetOf(step, room.parentElement);
      if (card.current) putCard(card.current, target.peek(), room);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(room);
    measure();
    card.current.querySelector<HTMLElement>("[data-testid=tour-next]")?.focus();
    return () => observer.disconnect();
  }, [step]);
  const light = target.value;
  return (
    <div class="tour" ref={layer}>
      {light && (
        <div
          class="tour-light"
          style={Object.fromEntries(Object.entries(light).map(([key, px]) => [key, `${px}px`]))}
        />
      )}
      <section
        ref={card}
        class="tour-card"
        role="dialog"
        aria-modal="true"
        aria-labelledby="cb-tour-title"
        aria-describedby="cb-tour-text"
        data-testid="tour"
        data-step={at.value + 1}
        onKeyDown={(event) => onKey(event, card.current, go, close)}
      >
        <p class="faint">
          {at.value + 1} of {STEPS.length}
        </p>
        <h2 id="cb-tour-title">{step.title}</h2>
        <p id="cb-tour-text">{step.text}</p>
        <div class="tour-buttons">
          <button type="button" class="plain" data-testid="tour-skip" onClick={close}>
            {at.value === STEPS.length - 1 ? "Close" : "Skip the tour"}
          </button>
          <span class="grow" />
          {at.value > 0 && (
            <button type="button" class="action" onClick={() => go(-1)}>
              Back
            </button>
          )}
          <button type="button" class="action main" data-testid="tour-next" onClick={() => go(1)}>
            {at.value === STEPS.length - 1 ? "Done" : "Next"}
          </button>
        </div>
      </section>
    </div>
  );
}

/** The keyboard stays within the card; arrows turn its pages. */
function onKey(
  event: KeyboardEvent,
  card: HTMLElement | null,
  go: (by: number) => void,
  close: () => void,
): void {
  event.stopPropagation();
  const buttons = [...(card?.querySelectorAll<HTMLElement>("button") ?? [])];
  const held = buttons.indexOf(document.activeElement as HTMLElement);
  if (event.key === "Escape") close();
  else if (event.key === "ArrowRight") go(1);
  else if (event.key === "ArrowLeft") go(-1);
  else if (event.key === "Tab") {
    const next = held + (event.shiftKey ? -1 : 1);
    buttons[(next + buttons.length) % buttons.length]?.focus();
  } else return;
  event.preventDefault();
}
