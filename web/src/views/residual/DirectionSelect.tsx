import { headAddress } from "../../state/address";
import { useBoard } from "../../state/board";
import type { ModelInfo } from "../../wire/types";
import { residualState } from "./state";

/** Which direction residuals are measured along. */
export function DirectionSelect({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { direction } = residualState(board);
  const [kind = "metric", head] = direction.value.split(":");
  const ofHead = kind === "output" || kind === "write";
  const named = board.kernel.directions.value;
  const chosen = board.head.value;
  const first = chosen ? headAddress(chosen) : "L0H0";
  const choose = (value: string) => {
    const wants = value === "output" || value === "write";
    direction.value = wants ? `${value}:${ofHead ? head : first}` : value;
  };
  return (
    <span class="row direction">
      <label class="label">
        along{" "}
        <select
          class="select"
          data-testid="direction-select"
          title="The direction on which residuals are projected"
          value={ofHead ? kind : direction.value}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          <option value="metric">the metric, through the final norm</option>
          <option value="self">the residual itself (shares)</option>
          <option value="output">a head's output here</option>
          <option value="write">a head's top write direction</option>
          {named.map((name) => (
            <option key={name} value={`vector:${name}`}>
              your vector: {name}
            </option>
          ))}
        </select>
      </label>
      {ofHead && (
        <HeadSelect
          model={model}
          value={head ?? first}
          choose={(at) => {
            direction.value = `${kind}:${at}`;
          }}
        />
      )}
    </span>
  );
}

interface HeadProps {
  model: ModelInfo;
  value: string;
  choose: (head: string) => void;
}

function HeadSelect({ model, value, choose }: HeadProps) {
  const heads = Array.from({ length: model.n_layers * model.n_heads }, (_, i) =>
    headAddress({ layer: Math.floor(i / model.n_heads), head: i % model.n_heads }),
  );
  return (
    <select
      class="select"
      data-testid="direction-head"
      aria-label="The head whose direction it is"
      value={value}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      {heads.map((head) => (
        <option key={head} value={head}>
          {head}
        </option>
      ))}
    </select>
  );
}
