import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useBoard } from "../../state/board";

interface DialogProps {
  title: string;
  close: () => void;
  children: ComponentChildren;
}

/** A box over the board; pictures of the board leave it out. */
export function Dialog({ title, close, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current?.show();
    box.current?.querySelector<HTMLElement>("textarea, button")?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <div class="backdrop" data-no-picture>
      <dialog
        ref={box}
        class="dialog"
        aria-label={title}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape") close();
        }}
      >
        <header class="section-head">
          <h2>{title}</h2>
          <span class="grow" />
          <button type="button" class="icon" aria-label="Close" onClick={close}>
            ×
          </button>
        </header>
        {children}
      </dialog>
    </div>
  );
}

/** The code, selected, where the browser gives no clipboard. */
export function CodeDialog() {
  const { ui } = useBoard();
  const code = ui.code.value;
  if (code === null) return null;
  const close = () => {
    ui.code.value = null;
  };
  return (
    <Dialog title="This state in Python" close={close}>
      <p class="empty">The browser gave no access to the clipboard. Copy the text from here.</p>
      <textarea
        class="code"
        data-testid="code-text"
        readOnly
        rows={Math.min(16, code.split("\n").length + 1)}
        value={code}
        onFocus={(event) => event.currentTarget.select()}
      />
    </Dialog>
  );
}

const KEYS: readonly (readonly [string, string])[] = [
  ["← → ↑ ↓", "move along the map; with Shift, add to the selection"],
  ["Enter", "open the head"],
  ["a", "ablate"],
  ["f", "freeze the output"],
  ["p", "freeze the pattern"],
  ["r", "release"],
  ["Ctrl or Cmd + Z", "undo; with Shift, redo"],
  ["wheel, drag", "zoom and move the map; with Ctrl where the board is narrow"],
  ["double click", "on a head: open it; beside the parts: fit the map"],
  ["+ − 0", "zoom in, zoom out, fit"],
  ["Escape", "select nothing, or unlock the token"],
  ["click a token", "in the head view: lock it; again: unlock it"],
];

export function HelpDialog() {
  const { ui } = useBoard();
  if (!ui.help.value) return null;
  const close = () => {
    ui.help.value = false;
  };
  return (
    <Dialog title="Keyboard" close={close}>
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
