import { useBoard } from "../../state/board";
import type { ModelInfo, SteeringInfo } from "../../wire/types";
import { showToken } from "../shared/token";
import { type Part, type Place, parsePlace, partsOf, printPlace } from "./place";
import { steeringState } from "./state";

interface Props {
  model: ModelInfo;
  info: SteeringInfo;
}

/** Where the direction is added: a part, a layer, and one position or all. */
export function PlaceRow({ model, info }: Props) {
  const board = useBoard();
  const state = steeringState(board);
  // What was chosen last, though the kernel may not have answered yet.
  const place = parsePlace(state.at.value || info.at);
  const live = board.kernel.live.value;
  const go = (at: string) => {
    state.at.value = at;
    state.direction.value = info.direction;
    state.reach.value = 0;
  };
  if (!place) {
    return (
      <p class="label">
        to <code>{info.at}</code>
      </p>
    );
  }
  const change = (part: Partial<Place>) => go(printPlace({ ...place, ...part }));
  const last = board.selection.value[board.selection.value.length - 1] ?? "";
  const selected = parsePlace(last.split("@")[0] ?? "");
  const other = selected && printPlace({ ...selected, position: place.position });
  return (
    <div class="row">
      <label class="label">
        to{" "}
        <select
          class="select"
          data-testid="steering-part"
          disabled={!live}
          value={place.part}
          onChange={(event) => change({ part: event.currentTarget.value as Part })}
        >
          {partsOf(model).map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <Count
        name="layer"
        label="layer"
        count={model.n_layers}
        value={place.layer}
        choose={(layer) => change({ layer })}
      />
      {place.part === "head" && (
        <Count
          name="head"
          label="head"
          count={model.n_heads}
          value={place.head}
          choose={(head) => change({ head })}
        />
      )}
      <PositionSelect place={place} choose={(position) => change({ position })} />
      {other && other !== info.at && live && (
        <button
          type="button"
          class="plain"
          data-testid="steering-selected"
          title="The part that is selected"
          onClick={() => go(other)}
        >
          use {other.split("@")[0]}
        </button>
      )}
    </div>
  );
}

interface CountProps {
  name: string;
  label: string;
  count: number;
  value: number;
  choose: (value: number) => void;
}

function Count({ name, label, count, value, choose }: CountProps) {
  const live = useBoard().kernel.live.value;
  return (
    <label class="label">
      {label}{" "}
      <select
        class="select"
        data-testid={`steering-${name}`}
        disabled={!live}
        value={value}
        onChange={(event) => choose(Number(event.currentTarget.value))}
      >
        {Array.from({ length: count }, (_, i) => (
          <option key={i} value={i}>
            {i}
          </option>
        ))}
      </select>
    </label>
  );
}

interface PositionProps {
  place: Place;
  choose: (position: string) => void;
}

function PositionSelect({ place, choose }: PositionProps) {
  const board = useBoard();
  const tokens = board.kernel.tokens.value;
  const values = tokens.map(({ index }) => (index === tokens.length - 1 ? "-1" : String(index)));
  const own = Number(place.position);
  const last = own === tokens.length - 1 || own === -1;
  const value = last ? "-1" : own < 0 ? String(own + tokens.length) : place.position;
  return (
    <label class="label">
      at{" "}
      <select
        class="select"
        data-testid="steering-position"
        disabled={!board.kernel.live.value}
        value={value}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        <option value="">every token</option>
        {value !== "" && !values.includes(value) && <option value={value}>@{value}</option>}
        {tokens.map(({ index, text }) => (
          <option key={index} value={values[index]}>
            {showToken(text)} ({index})
          </option>
        ))}
      </select>
    </label>
  );
}
