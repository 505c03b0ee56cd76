import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

interface Props {
  title: string;
  about: string;
  name: string;
  open: Signal<boolean>;
  children: ComponentChildren;
}

/** A part of a view that is computed and shown only when it is opened. */
export function Disclosure({ title, about, name, open, children }: Props) {
  return (
    <section class="disclosure" data-open={open.value}>
      <button
        type="button"
        class="disclosure-title"
        data-testid={name}
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <span class="twist" aria-hidden="true">
          ▸
        </span>
        <b>{title}</b>
        <span class="faint">{about}</span>
      </button>
      {open.value && <div class="disclosure-body">{children}</div>}
    </section>
  );
}
