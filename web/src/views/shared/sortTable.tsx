import type { Signal } from "@preact/signals";

/** In the order of the model, or the largest first whatever its sign. */
export type Order = "model" | "size";

/** Lines listed at first, and how many with each further press. */
export const SOME = 60;

interface SortProps {
  /** What the buttons' test ids begin with. */
  name: string;
  order: Signal<Order>;
  value: Order;
  label: string;
  title: string;
}

/** The head of a column that sorts the table. */
export function SortHead({ name, order, value, label, title }: SortProps) {
  return (
    <th scope="col" aria-sort={order.value === value ? "descending" : undefined}>
      <button
        type="button"
        title={title}
        data-testid={`${name}-sort-${value}`}
        onClick={() => {
          order.value = value;
        }}
      >
        {label}
        {order.value === value && <i aria-hidden="true">↓</i>}
      </button>
    </th>
  );
}

/** Lists more lines, where some are left. */
export function More({ name, shown, of }: { name: string; shown: Signal<number>; of: number }) {
  const left = of - shown.value;
  if (left <= 0) return null;
  return (
    <button
      type="button"
      class="plain"
      data-testid={`${name}-more`}
      onClick={() => {
        shown.value += 10 * SOME;
      }}
    >
      {left.toLocaleString("en")} more
    </button>
  );
}

/** Up and down go from line to line, by a button of each. */
export function walk(event: KeyboardEvent, body: HTMLElement | null, button = "th button"): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const buttons = [...(body?.querySelectorAll<HTMLElement>(button) ?? [])];
  const at = buttons.indexOf(event.target as HTMLElement);
  const next = buttons[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (at < 0 || !next) return;
  next.focus();
  event.preventDefault();
}
