import type { Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useBoard } from "../../state/board";
import { difference, exchanged } from "../../state/contrast";
import { aimed } from "../shared/aim";
import { Glyph } from "../shared/Glyph";
import { folding, isOpen } from "./contrast";

interface Props {
  text: string;
  type: (contrast: string) => void;
  /** Whether one is being made. */
  making: Signal<boolean>;
}

/** The contrast prompt: its text, how it differs, and what can be done with it. */
export function ContrastLine({ text, type, making }: Props) {
  const board = useBoard();
  const { kernel } = board;
  const known = kernel.contrast.value;
  if (!known && !making.value) return null;
  const open = isOpen(board) || making.value;
  return (
    <div class="contrast" data-testid="contrast" data-open={open}>
      <div class="contrast-head">
        <button
          type="button"
          class="plain contrast-fold"
          data-testid="contrast-fold"
          aria-expanded={open}
          title={open ? "Fold the contrast prompt" : "Show the contrast prompt and its tokens"}
          disabled={!known}
          onClick={() => {
            folding(board).value = open ? "closed" : "open";
          }}
        >
          <span class="twist" aria-hidden="true">
            {open ? "▾" : "▸"}
          </span>{" "}
          contrast
        </button>
        {open && <ContrastField text={text} type={type} focused={making.value} />}
        {!open && <span class="contrast-short">{known}</span>}
        {known && <Tools />}
      </div>
      {open && (known ? <Differs /> : <Making making={making} type={type} />)}
    </div>
  );
}

/** How many tokens differ, and what they are for. */
function Differs() {
  const { kernel } = useBoard();
  const words = difference(kernel.alignment.value);
  return (
    <p class="contrast-note">
      <span data-testid="contrast-differs">{words}</span>
      <span class="faint">
        {kernel.live.value &&
          " · click a lower token to patch what is selected, or drag it onto a part"}
      </span>
    </p>
  );
}

function Tools() {
  const board = useBoard();
  const live = board.kernel.live.value;
  return (
    <span class="buttons">
      <button
        type="button"
        class="plain"
        data-testid="contrast-swap"
        title="Exchange the prompt and the contrast prompt"
        aria-label="Exchange the prompt and the contrast prompt"
        disabled={!live}
        onClick={() => board.act("swap")}
        {...aimed(board, () => ({ verb: "swap" }))}
      >
        ⇅ <span class="more">Swap</span>
      </button>
      <button
        type="button"
        class="icon"
        data-testid="contrast-remove"
        title="Remove the contrast prompt"
        aria-label="Remove the contrast prompt"
        disabled={!live}
        onClick={() => void board.contrast("")}
      >
        ×
      </button>
    </span>
  );
}

function ContrastField({
  text,
  type,
  focused,
}: {
  text: string;
  type: Props["type"];
  focused: boolean;
}) {
  const saved = !useBoard().kernel.live.value;
  const first = useRef(focused);
  return (
    <input
      type="text"
      class="contrast-text"
      ref={(own) => {
        if (own && first.current) own.focus();
        first.current = false;
      }}
      readOnly={saved}
      spellcheck={false}
      autocomplete="off"
      aria-label="Contrast prompt"
      title="Enter applies, Escape restores"
      data-testid="contrast-input"
      value={text}
      onInput={(event) => type(event.currentTarget.value)}
    />
  );
}

/** Ways to begin. */
function Making({ making, type }: Pick<Props, "making" | "type">) {
  const board = useBoard();
  const { kernel } = board;
  const metric = kernel.metric.value;
  const turned = exchanged(kernel.prompt.value, metric?.target ?? "", metric?.foil ?? "");
  return (
    <p class="contrast-note" data-testid="contrast-help">
      Change a token or two, such as a name, and keep the length; Enter applies. Patching puts
      values of this prompt into the run of the other.{" "}
      {turned && (
        <button
          type="button"
          class="plain"
          data-testid="contrast-exchange"
          onClick={() => {
            type(turned);
            void board.contrast(turned);
          }}
        >
          Exchange {metric?.target.trim()} and {metric?.foil.trim()}
        </button>
      )}
      <button
        type="button"
        class="plain"
        onClick={() => {
          type("");
          making.value = false;
        }}
      >
        Cancel
      </button>
    </p>
  );
}

/** Begins a contrast prompt, where there is none. */
export function MakeContrast({ begin }: { begin: () => void }) {
  const { kernel } = useBoard();
  return (
    <button
      type="button"
      class="plain"
      data-testid="contrast-make"
      title="A second prompt, whose values can be patched into the run of this one"
      disabled={!kernel.live.value}
      onClick={begin}
    >
      <Glyph name="patched" /> Contrast prompt…
    </button>
  );
}
