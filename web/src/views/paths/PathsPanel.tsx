import { signal, useSignal } from "@preact/signals";
import { partName } from "../../state/address";
import { type Board, useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { PathsInfo, PathsView } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { Segmented, Sides } from "../shared/Segmented";
import { Toggle } from "../shared/Toggle";
import { useHeld } from "../shared/useHeld";
import { PathTable } from "./PathTable";
import { ordered, pathRows, pathsPart, pathsSettings, pathsView, type Way } from "./state";
import { WireScale } from "./WireScale";

const WAYS: readonly { value: Way; label: string }[] = [
  { value: "into", label: "Who feeds it" },
  { value: "from", label: "Whom it feeds" },
];

/** A choice that there is none about. */
const ALWAYS = signal(true);

/** Every edge into the selected part, or out of it. */
export function PathsPanel() {
  const board = useBoard();
  const view = pathsView(board);
  return (
    <section class="paths" data-testid="paths-view" aria-label="Paths">
      <Head board={board} />
      {view ? <Edges key={`${view.part} ${view.way}`} view={view} /> : <Nothing board={board} />}
    </section>
  );
}

function Head({ board }: { board: Board }) {
  const settings = pathsSettings(board);
  const part = pathsPart(board, settings.way.value);
  return (
    <header class="section-head">
      <h2>Paths</h2>
      {part && (
        <span class="faint" title={partName(part)}>
          {part}
        </span>
      )}
      <span class="grow" />
      <Segmented label="Which edges" name="paths-way" options={WAYS} value={settings.way} />
    </header>
  );
}

function Nothing({ board }: { board: Board }) {
  const [last] = board.drawnSelection.value.slice(-1);
  const into = pathsSettings(board).way.value === "into";
  if (!last) return <p class="empty">Select a head, an MLP or the logits on the map.</p>;
  return (
    <p class="empty">
      {into ? `Nothing feeds ${last} that can be told apart` : `${last} writes nothing of its own`}.
      Select a head, an MLP{into ? " or the logits" : " or the embedding"}.
    </p>
  );
}

function Edges({ view }: { view: PathsView }) {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture(view).value);
  const info = infoOf(picture, "paths");
  return (
    <>
      <Options board={board} info={info} />
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {!picture && <p class="empty">Waiting for the model.</p>}
      {info && !info.metric && <p class="empty">Name a target to see what each edge does.</p>}
      {picture && info?.metric && (
        <div class="paths-body" data-stale={stale}>
          <Found board={board} picture={picture} info={info} />
        </div>
      )}
    </>
  );
}

/** What is changed along the edges, and which of their numbers are shown. */
function Options({ board, info }: { board: Board; info: PathsInfo | null }) {
  const { mlps, zero, side } = pathsSettings(board);
  const bare = Boolean(info?.no_patch);
  return (
    <div class="toolbar paths-options">
      <Sides name="paths-side" value={side} />
      <Toggle
        name="paths-mlps"
        label="via MLPs"
        title="Also the paths through MLPs in between: computed anew, all heads frozen"
        on={mlps}
      />
      <Toggle
        name="paths-zero"
        label="zero"
        title={
          bare
            ? `${info?.no_patch} ${info?.hint}`
            : "Zero the sender, instead of the contrast's value"
        }
        on={bare ? ALWAYS : zero}
        disabled={bare}
      />
      <Drawing board={board} />
    </div>
  );
}

/** How many are drawn on the map. */
function Drawing({ board }: { board: Board }) {
  const { drawn, top } = pathsSettings(board);
  const text = useSignal<string | null>(null);
  const set = (value: string) => {
    const count = Math.round(Number(value));
    text.value = null;
    if (value.trim() && Number.isFinite(count) && count > 0) top.value = Math.min(count, 500);
  };
  return (
    <span class="tools paths-drawing">
      <Toggle
        name="paths-drawn"
        label="on the map"
        title="Draw the strongest edges on the map"
        on={drawn}
      />
      <label title="How many are drawn">
        <span>strongest</span>
        <input
          type="text"
          inputMode="numeric"
          size={3}
          class="field is-short"
          data-testid="paths-top"
          aria-label="How many of the strongest edges are drawn on the map"
          value={text.value ?? String(top.value)}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
          onChange={(event) => set(event.currentTarget.value)}
        />
      </label>
    </span>
  );
}

function Found({ board, picture, info }: { board: Board; picture: Picture; info: PathsInfo }) {
  const { side, top, order } = pathsSettings(board);
  const rows = pathRows(picture, side.value);
  const known = rows.filter(({ effect }) => !Number.isNaN(effect)).length;
  const done = board.kernel.entries.value.length > 0;
  return (
    <>
      <p class="paths-note">
        {info.how === "patch"
          ? "Change of the metric with the sender's value from the contrast prompt on that edge alone."
          : "Change of the metric with the sender set to zero on that edge alone."}
        {info.no_patch && ` ${info.no_patch} ${info.hint}`}
        {known < rows.length && (
          <b data-testid="paths-progress">
            {" "}
            {known.toLocaleString("en")} of {rows.length.toLocaleString("en")} known.
          </b>
        )}
      </p>
      <WireScale rows={rows} top={top.value} />
      <PathTable rows={ordered(rows, order.value)} how={info.how} both={done} />
    </>
  );
}
