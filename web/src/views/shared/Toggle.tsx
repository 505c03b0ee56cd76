import type { Signal } from "@preact/signals";

interface Props {
  name: string;
  label: string;
  title: string;
  on: Signal<boolean>;
  disabled?: boolean;
  /** What a click does, where that is more than to turn it over. */
  toggle?: () => void;
}

/** A button that stays pressed. */
export function Toggle({ name, label, title, on, disabled, toggle }: Props) {
  return (
    <button
      type="button"
      class="toggle"
      data-testid={name}
      aria-pressed={on.value}
      title={title}
      disabled={disabled}
      onClick={() => {
        if (toggle) toggle();
        else on.value = !on.peek();
      }}
    >
      {label}
    </button>
  );
}
