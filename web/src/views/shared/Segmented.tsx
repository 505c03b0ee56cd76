import type { Signal } from "@preact/signals";
import type { Side } from "../../state/ui";

interface Props<T extends string> {
  label: string;
  name: string;
  options: readonly { value: T; label: string }[];
  value: Signal<T>;
  /** The choice that is on, where it is not the value itself. */
  shown?: T;
}

/** A few choices side by side, of which one is on. */
export function Segmented<T extends string>({ label, name, options, value, shown }: Props<T>) {
  return (
    <fieldset class="segmented" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          data-testid={`${name}-${option.value}`}
          aria-pressed={(shown ?? value.value) === option.value}
          onClick={() => {
            value.value = option.value;
          }}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}

const SIDES: readonly { value: Side; label: string }[] = [
  { value: "now", label: "Now" },
  { value: "baseline", label: "Baseline" },
  { value: "difference", label: "Difference" },
];

interface SidesProps {
  name: string;
  value: Signal<Side>;
  /** What the choice is about, for those who do not see where it stands. */
  label?: string;
}

/** Which of the two runs is shown, or how they differ. */
export function Sides({ name, value, label = "Which run the numbers show" }: SidesProps) {
  return <Segmented label={label} name={name} options={SIDES} value={value} />;
}
