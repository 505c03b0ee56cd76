import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useBoard } from "../../state/board";

interface DialogProps {
  title: string;
  close: () => void;
  wide?: boolean;
  children: ComponentChildren;
}

/** A box over the board; pictures of the board leave it out. */
export function Dialog({ title, close, wide = false, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
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
        data-wide={wide}
        aria-label={title}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape") close();
          else if (event.key === "Tab") trap(event, box.current);
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

/** The keyboard stays within the dialog. */
function trap(event: KeyboardEvent, box: HTMLElement | null): void {
  const all = [...(box?.querySelectorAll<HTMLElement>("button, textarea") ?? [])];
  const end = event.shiftKey ? all[0] : all[all.length - 1];
  if (document.activeElement !== end) return;
  (event.shiftKey ? all[all.length - 1] : all[0])?.focus();
  event.preventDefault();
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

type Keys = readonly (readonly [string, string])[];

const ANYWHERE: Keys = [
  ["?", "this help"],
  ["Ctrl or Cmd + Z", "undo; with Shift, redo"],
  ["Escape", "unlock the token; close a menu or a dialog"],
  ["Tab", "the next control"],
];

const PANELS: Keys = [
  ["← →", "on a tab: the next one"],
  ["Delete", "on a tab: close it; the menu Panels opens it again"],
  ["← → ↑ ↓", "on the line between panels: resize; with Shift, in larger steps"],
  ["← → ↑ ↓", "on the title of a floating panel: move it; with Shift, resize it"],
  ["Enter on ⋯", "move a panel, keep it in front, pop it out, close it"],
  ["drag a tab", "move it: into another dock, beside one, or to the board's edge"],
];

const PROMPT: Keys = [
  ["Enter", "apply the prompt, the target, the foil"],
  ["Shift + Enter", "a new line in the prompt"],
  ["Escape", "back to what it was"],
];

/** The keys of everything, and the way to the tour. */
export function HelpDialog() {
  const { ui, panels } = useBoard();
  if (!ui.help.value) return null;
  const close = () => {
    ui.help.value = false;
  };
  const groups: [string, Keys][] = [
    ["Anywhere", ANYWHERE],
    ["Prompt", PROMPT],
    ["Panels", PANELS],
    ...panels.value.flatMap(({ title, keys }): [string, Keys][] => (keys ? [[title, keys]] : [])),
  ];
  const tour = () => {
    close();
    // The dialog gives the keyboard back first.
    requestAnimationFrame(() => {
      ui.tour.value = true;
    });
  };
  return (
    <Dialog title="Help" close={close} wide>
      <p class="help-intro">
        Select a part on the map, change it, and see what follows. What is done here is a line of
        Python too, and what the notebook does shows here.{" "}
        <button type="button" class="action" data-testid="start-tour" onClick={tour}>
          Take the tour
        </button>
      </p>
      <div class="help-groups" data-testid="help">
        {groups.map(([title, keys]) => (
          <section key={title} aria-label={title}>
            <h3>{title}</h3>
            <dl class="keys">
              {keys.map(([key, what]) => (
                <div key={key + what}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
