import { useSignal } from "@preact/signals";
import { format } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { SteeringInfo } from "../../wire/types";
import { MakeDirection } from "./MakeDirection";
import { steeringState } from "./state";

/** Which direction is added, and what there is to know about it. */
export function Directions({ info }: { info: SteeringInfo }) {
  const board = useBoard();
  const state = steeringState(board);
  const live = board.kernel.live.value;
  const none = info.directions.length === 0;
  const renaming = useSignal(false);
  return (
    <>
      <div class="row">
        <label class="label">
          Add{" "}
          <select
            class="select"
            data-testid="steering-direction"
            disabled={none || !live}
            value={info.direction}
            onChange={(event) => {
              state.direction.value = event.currentTarget.value;
              state.at.value = info.at;
              state.reach.value = 0;
            }}
          >
            {none && <option value="">no direction yet</option>}
            {info.directions.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="action"
          data-testid="steering-new"
          aria-pressed={state.making.value}
          disabled={!live}
          onClick={() => {
            state.making.value = !state.making.value;
          }}
        >
          New…
        </button>
        {!none && live && (
          <span class="buttons">
            <button
              type="button"
              class="plain"
              data-testid="steering-rename"
              onClick={() => {
                renaming.value = !renaming.value;
              }}
            >
              Rename
            </button>
            <button
              type="button"
              class="plain"
              data-testid="steering-forget"
              title="Forget the name; lines that add it stay"
              onClick={() => void board.keepDirection(info.direction, "")}
            >
              Forget
            </button>
          </span>
        )}
      </div>
      {renaming.value && <Rename name={info.direction} done={() => (renaming.value = false)} />}
      <About info={info} />
      {(state.making.value || (none && live)) && <MakeDirection info={info} />}
    </>
  );
}

function Rename({ name, done }: { name: string; done: () => void }) {
  const board = useBoard();
  const state = steeringState(board);
  const rename = async (form: HTMLFormElement) => {
    const wanted = String(new FormData(form).get("name") ?? "").trim();
    if (wanted && (await board.keepDirection(name, wanted))) {
      if (state.direction.peek() === name) state.direction.value = wanted;
      done();
    }
  };
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        void rename(event.currentTarget);
      }}
    >
      <input
        class="field"
        name="name"
        aria-label="New name"
        data-testid="steering-name"
        defaultValue={name}
      />
      <button type="submit" class="apply" data-testid="steering-rename-apply">
        Rename
      </button>
    </form>
  );
}

function About({ info }: { info: SteeringInfo }) {
  const { target, foil } = useBoard().kernel.metric.value ?? { target: "", foil: "" };
  const own = info.directions.find(({ name }) => name === info.direction);
  if (!own) {
    return (
      <p class="empty">
        A direction is a vector as wide as the residual stream. Make one here, or in Python:{" "}
        <code>board.direction(name, vector)</code>.
      </p>
    );
  }
  const read = foil.trim() ? `${target.trim()} − ${foil.trim()}` : target.trim();
  return (
    <p class="faint steering-about" data-testid="steering-about">
      length {format(own.length, 2)}; what it is added to has length {format(info.stream, 1)}
      {own.cosine !== null && (
        <>
          ; cosine with what <code>{read}</code> reads {format(own.cosine, 2)}
        </>
      )}
    </p>
  );
}
