import type { GlyphName } from "../../draw/glyphs";
import { type Edge, parseEdge } from "../../edges/edge";
import { type EdgeState, edgeState } from "../../edges/state";
import { drawnPart } from "../../state/address";
import { type Board, useBoard } from "../../state/board";
import type { Entry } from "../../wire/types";
import { aimed } from "../shared/aim";
import { Glyph } from "../shared/Glyph";
import { EditsLine } from "../weights/Edits";

async function copyCode(board: Board): Promise<void> {
  const text = await board.code();
  if (!text) return;
  try {
    await navigator.clipboard.writeText(text);
    board.ui.copied.value = true;
    setTimeout(() => {
      board.ui.copied.value = false;
    }, 1600);
  } catch {
    board.ui.code.value = text;
  }
}

/** How many there are, and what can be done with all of them: for the strip of tabs. */
export function Tools() {
  const board = useBoard();
  const { kernel, ui } = board;
  const entries = kernel.entries.value;
  const state = kernel.state.value;
  const live = kernel.live.value;
  return (
    <>
      {entries.length > 0 && <span class="count">{entries.length}</span>}
      <span class="grow" />
      <span class="buttons">
        <Tool
          name="undo"
          text="↶"
          title="Undo (Ctrl+Z)"
          off={!live || !state?.can_undo}
          run={() => board.act("undo")}
        />
        <Tool
          name="redo"
          text="↷"
          title="Redo (Shift+Ctrl+Z)"
          off={!live || !state?.can_redo}
          run={() => board.act("redo")}
        />
        <Tool
          name="clear"
          text="Clear"
          off={!live || entries.length === 0}
          run={() => board.act("clear")}
        />
        <Tool
          name="copy-code"
          text={ui.copied.value ? "Copied ✓" : "Copy"}
          more={ui.copied.value ? "" : " as Python"}
          off={!state}
          run={() => void copyCode(board)}
        />
      </span>
    </>
  );
}

/** The ordered list of what is done to the model. */
export function Interventions() {
  const { kernel } = useBoard();
  const entries = kernel.entries.value;
  const live = kernel.live.value;
  return (
    <section class="interventions" data-testid="interventions" aria-label="Interventions">
      <EditsLine />
      {entries.length === 0 ? (
        <p class="empty">
          {live ? "None yet: select a part, and ablate, freeze or scale it." : "None."}
        </p>
      ) : (
        <ol class="entries">
          {entries.map((entry) => (
            <Line key={entry.id} entry={entry} />
          ))}
        </ol>
      )}
    </section>
  );
}

interface ToolProps {
  name: string;
  text: string;
  /** The rest of the text, where there is room. */
  more?: string;
  title?: string;
  off: boolean;
  run: () => void;
}

function Tool({ name, text, more = "", title, off, run }: ToolProps) {
  return (
    <button
      type="button"
      class={title ? "plain arrow-tool" : "plain"}
      data-testid={name}
      title={title}
      aria-label={title ?? text + more}
      disabled={off}
      onClick={run}
    >
      {text}
      {more && <span class="more">{more}</span>}
    </button>
  );
}

const GLYPH: Readonly<Record<Entry["kind"], GlyphName | null>> = {
  zero: "ablated",
  freeze: "frozen",
  patch: "patched",
  add: "added",
  set: "set",
  scale: null,
};

/** Whether an edge is pointed at on the map, or its choices are open. */
function isHere({ hover, open }: EdgeState, { address, sender, receiver }: Edge): boolean {
  const ends = open.value;
  const chosen = ends?.sender === sender && ends.receiver === receiver;
  return chosen || hover.value === address;
}

function Line({ entry }: { entry: Entry }) {
  const board = useBoard();
  const { id, on, text } = entry;
  const glyph = entry.at.endsWith(".pattern") ? "pattern" : GLYPH[entry.kind];
  const edges = edgeState(board.ui);
  const edge = parseEdge(entry.at);
  const point = (on: boolean) => {
    if (edge) edges.hover.value = on ? entry.at : null;
    else board.ui.hoverPart.value = on ? drawnPart(entry.at.split("@")[0] ?? "") : null;
  };
  return (
    <li
      class="entry"
      data-testid={`entry-${id}`}
      data-on={on}
      data-here={edge !== null && isHere(edges, edge)}
      onPointerEnter={() => point(true)}
      onPointerLeave={() => point(false)}
    >
      <button
        type="button"
        class="switch"
        role="switch"
        aria-checked={on}
        aria-label={`${text}: ${on ? "on" : "off"}`}
        data-testid={`entry-toggle-${id}`}
        disabled={!board.kernel.live.value}
        onClick={() => board.carryOut({ verb: "toggle", entry: id })}
        {...aimed(board, () => ({ verb: "toggle", entry: id }))}
      >
        <span />
      </button>
      <span class="entry-glyph">{glyph ? <Glyph name={glyph} /> : "×"}</span>
      <span class="entry-text">{text}</span>
      <button
        type="button"
        class="icon"
        aria-label={`Remove: ${text}`}
        data-testid={`entry-remove-${id}`}
        disabled={!board.kernel.live.value}
        onClick={() => board.carryOut({ verb: "remove", entry: id })}
        {...aimed(board, () => ({ verb: "remove", entry: id }))}
      >
        ×
      </button>
    </li>
  );
}
