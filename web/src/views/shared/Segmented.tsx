import type { Signal } from "@preact/signals";

interface Props<T extends string> {
  label: string;
  name: string;
  options: readonly { value: T; label: string }[];
  value: Signal<T>;
}

/** A few choices side by side, of which one is on. */
export function Segmented<T extends string>({ label, name, options, value }: Props<T>) {
  return (
    <fieldset class="segmented" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          data-testid={`${name}-${option.value}`}
          aria-pressed={value.value === option.value}
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
