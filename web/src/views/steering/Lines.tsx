import { compact } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { SteeringInfo, SteeringLine } from "../../wire/types";
import { steeringState } from "./state";

/** All that steers now: choose one to change it, switch it, take it out. */
export function Lines({ info }: { info: SteeringInfo }) {
  if (info.lines.length === 0) return null;
  return (
    <section class="steering-lines" aria-label="What steers now">
      <h3>Added now</h3>
      <ul>
        {info.lines.map((line) => (
          <Line
            key={line.entry}
            line={line}
            shown={line.at === info.at && line.direction === info.direction}
          />
        ))}
      </ul>
    </section>
  );
}

function Line({ line, shown }: { line: SteeringLine; shown: boolean }) {
  const board = useBoard();
  const state = steeringState(board);
  const live = board.kernel.live.value;
  const { entry, at, direction, coefficient, on } = line;
  const text = `${compact(coefficient)} × ${direction} at ${at}`;
  const choose = () => {
    state.at.value = at;
    state.direction.value = direction;
    state.reach.value = 0;
  };
  return (
    <li data-testid="steering-line" data-on={on}>
      <input
        type="checkbox"
        aria-label={`${text}: on`}
        data-testid={`steering-switch-${entry}`}
        disabled={!live}
        checked={on}
        onChange={() => board.carryOut({ verb: "toggle", entry: entry })}
      />
      <button type="button" class="plain" aria-pressed={shown} onClick={choose}>
        {compact(coefficient)} × <b>{direction}</b> at <code>{at}</code>
      </button>
      <span class="grow" />
      <button
        type="button"
        class="icon"
        aria-label={`Remove: ${text}`}
        data-testid={`steering-remove-${entry}`}
        disabled={!live}
        onClick={() => board.carryOut({ verb: "remove", entry: entry })}
      >
        ×
      </button>
    </li>
  );
}
