import { useSignal } from "@preact/signals";
import { headAddress } from "../../state/address";
import { type Board, useBoard } from "../../state/board";
import type { MakeDirection as Asked, SteeringInfo } from "../../wire/types";
import { steeringState } from "./state";

type How = Asked["how"];

const WAYS: readonly { value: How; label: string; about: string }[] = [
  {
    value: "tokens",
    label: "tokens",
    about:
      "What the unembedding reads for the first token minus the second, through the final norm.",
  },
  {
    value: "contrast",
    label: "contrast of prompts",
    about: "The stream at this place in the prompt minus that in the contrast prompt.",
  },
  { value: "output", label: "a part's output", about: "What a part adds in the baseline run." },
  {
    value: "write",
    label: "a head's weights",
    about: "A singular direction of the head's OV, on the side that it writes; 0 is the largest.",
  },
  { value: "neuron", label: "a neuron's weights", about: "Its row of the MLP's output weights." },
];

/** The part that a way starts from, as the selection suggests it. */
function suggested(board: Board, how: How, info: SteeringInfo): string {
  const last = board.selection.value[board.selection.value.length - 1];
  const head = board.head.value ? headAddress(board.head.value) : "L0H0";
  const position = board.logitsView.value.position;
  if (how === "contrast") return info.at.includes("@") ? info.at : `${info.at}@${position}`;
  if (how === "output") return `${head}@${position}`;
  if (how === "neuron") return last && /\.mlp\.n\d+$/.test(last) ? last : "L0.mlp.n0";
  return how === "write" ? head : "";
}

/** Makes a direction from tokens, prompts, or a part of the model. */
export function MakeDirection({ info }: { info: SteeringInfo }) {
  const board = useBoard();
  const state = steeringState(board);
  const how = useSignal<How>("tokens");
  const way = WAYS.find(({ value }) => value === how.value);
  const contrast = board.kernel.state.value?.contrast ?? "";
  const lacking = how.value === "contrast" && !contrast;
  const make = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const text = (name: string) => String(given.get(name) ?? "");
    const name = await board.makeDirection({
      how: how.value,
      at: text("at"),
      tokens: [text("target"), text("foil")],
      rank: Number(text("rank") || 0),
      name: text("name"),
      unit: given.get("unit") !== null,
    });
    if (name === null) return;
    state.at.value = info.at;
    state.direction.value = name;
    state.reach.value = 0;
    state.making.value = false;
  };
  return (
    <form
      class="steering-make"
      data-testid="steering-make"
      onSubmit={(event) => {
        event.preventDefault();
        void make(event.currentTarget);
      }}
    >
      <div class="row">
        <label class="label">
          from{" "}
          <select
            class="select"
            data-testid="make-how"
            value={how.value}
            onChange={(event) => {
              how.value = event.currentTarget.value as How;
            }}
          >
            {WAYS.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <Fields key={how.value} how={how.value} info={info} />
        <input
          class="field"
          name="name"
          placeholder="name"
          aria-label="Name"
          data-testid="make-name"
        />
        <label class="label" title="Divide it by its length: a coefficient is then a length">
          <input type="checkbox" name="unit" data-testid="make-unit" /> length 1
        </label>
        <button type="submit" class="apply" data-testid="make-direction" disabled={lacking}>
          Make
        </button>
      </div>
      <p class="faint">
        {lacking
          ? "There is no contrast prompt: give one below the prompt, or board.contrast in Python."
          : way?.about}
      </p>
    </form>
  );
}

function Fields({ how, info }: { how: How; info: SteeringInfo }) {
  const board = useBoard();
  const { target = "", foil = "" } = board.kernel.metric.value ?? {};
  if (how === "tokens") {
    return (
      <>
        <input
          class="field"
          name="target"
          aria-label="Token"
          data-testid="make-target"
          defaultValue={target.trim()}
        />
        <span class="faint">−</span>
        <input
          class="field"
          name="foil"
          aria-label="Token that is subtracted"
          data-testid="make-foil"
          defaultValue={foil.trim()}
        />
      </>
    );
  }
  return (
    <>
      <input
        class="field is-code"
        name="at"
        aria-label="Part"
        data-testid="make-at"
        defaultValue={suggested(board, how, info)}
      />
      {how === "write" && (
        <input
          class="field is-number"
          type="number"
          name="rank"
          min={0}
          defaultValue="0"
          aria-label="Which singular direction, 0 for the largest"
          data-testid="make-rank"
        />
      )}
    </>
  );
}
