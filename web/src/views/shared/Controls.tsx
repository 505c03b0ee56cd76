import { useSignal } from "@preact/signals";
import { isHead, partName } from "../../state/address";
import { useBoard } from "../../state/board";
import { type ActionName, act, actions, deedOf, factorOf } from "./actions";
import { aimed } from "./aim";
import { Glyph } from "./Glyph";

/** What is selected, and what can be done to it. */
export function Controls() {
  const board = useBoard();
  const parts = board.selection.value;
  const last = parts[parts.length - 1];
  if (!last) {
    return (
      <section class="controls" aria-label="Selection">
        <p class="empty">
          Select a part on the map to open it, and to ablate, freeze or scale it. Shift-click
          selects several.
        </p>
      </section>
    );
  }
  const shown = board.head.value ? `L${board.head.value.layer}H${board.head.value.head}` : last;
  const others = parts.filter((part) => part !== shown);
  return (
    <section class="controls" aria-label="Selection">
      <div class="controls-title">
        <h2 data-testid={isHead(shown) ? "head-title" : "part-title"} tabIndex={-1}>
          {shown}
        </h2>
        <span class="faint" title={others.join(", ")}>
          {others.length ? `and ${others.slice(0, 6).join(", ")}` : partName(shown)}
          {others.length > 6 && ` and ${others.length - 6} more`}
        </span>
        <span class="grow" />
        <Release />
      </div>
      <div class="controls-row">
        <Action name="ablate" label="Ablate" glyph="ablated" keys="a" />
        <Action name="freeze-output" label="Freeze output" glyph="frozen" keys="f" />
        {parts.some(isHead) && (
          <Action name="freeze-pattern" label="Freeze pattern" glyph="pattern" keys="p" />
        )}
        {board.kernel.contrast.value && (
          <>
            <Action name="patch-here" label="Patch here" glyph="patched" keys="c" />
            <Action name="patch-all" label="Patch all tokens" glyph="patched" keys="Shift+C" />
          </>
        )}
        <ScaleControl key={parts.join()} />
      </div>
    </section>
  );
}

interface ActionProps {
  name: Exclude<ActionName, "release">;
  label: string;
  glyph: "ablated" | "frozen" | "patched" | "pattern";
  keys: string;
}

const TITLES: Partial<Record<ActionName, string>> = {
  "patch-here": "Put in the value of the contrast prompt at the token looked at",
  "patch-all": "Put in the values of the contrast prompt at every token",
};

function Action({ name, label, glyph, keys }: ActionProps) {
  const board = useBoard();
  const action = actions(board)[name];
  return (
    <button
      type="button"
      class="action"
      data-testid={`ctl-${name}`}
      aria-pressed={action.on}
      disabled={action.at.length === 0 || !board.kernel.live.value}
      title={`${TITLES[name] ?? label} (${keys} on the map)`}
      onClick={() => act(board, action)}
      {...aimed(board, () => deedOf(board, action))}
    >
      <Glyph name={glyph} />
      {label}
    </button>
  );
}

function Release() {
  const board = useBoard();
  const action = actions(board).release;
  const touched = board.kernel.entries.value.some((entry) =>
    action.at.some((place) => entry.at === place || /^[.@]/.test(entry.at.slice(place.length))),
  );
  return (
    <button
      type="button"
      class="action"
      data-testid="ctl-release"
      disabled={!touched || !board.kernel.live.value}
      title="Take back all that is done to the selection (r on the map)"
      onClick={() => act(board, action)}
      {...aimed(board, () => deedOf(board, action))}
    >
      Release
    </button>
  );
}

const MOST = 2;

/** A slider from nothing to double; it acts when it is let go. */
function ScaleControl() {
  const board = useBoard();
  const dragged = useSignal<number | null>(null);
  const known = factorOf(board);
  const factor = dragged.value ?? known;
  const apply = (value: number) => {
    dragged.value = null;
    if (value !== known) board.act("scale", board.selection.peek(), value);
  };
  return (
    <label class="scale" data-on={known !== 1} title="Scale the output; double click for × 1">
      <span>Scale</span>
      <input
        type="range"
        min={0}
        max={MOST}
        step={0.05}
        disabled={!board.kernel.live.value}
        value={factor}
        data-testid="ctl-scale"
        aria-label="Scale the output"
        aria-valuetext={`times ${factor}`}
        onInput={(event) => {
          dragged.value = Number(event.currentTarget.value);
        }}
        onChange={(event) => apply(Number(event.currentTarget.value))}
        onDblClick={() => apply(1)}
      />
      <output>×{Number(factor.toFixed(2))}</output>
    </label>
  );
}
