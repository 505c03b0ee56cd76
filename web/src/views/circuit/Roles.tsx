import { format } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { CircuitInfo } from "../../wire/types";

/** The parts of both circuits by what they do, and how much of each metric hangs on them. */
export function Roles({ info }: { info: CircuitInfo }) {
  if (info.roles.length === 0) return null;
  return (
    <table class="neuron-table circuit-roles" data-testid="circuit-roles">
      <thead>
        <tr>
          <th scope="col" title="By rules over what was measured when the circuits were explained">
            role
          </th>
          <th scope="col" title={EFFECT}>
            here
          </th>
          <th scope="col" title={EFFECT}>
            {info.other_model || "second"}
          </th>
        </tr>
      </thead>
      <tbody>
        {info.roles.map((row) => (
          <tr key={row.role} data-testid="circuit-role" data-role={row.role}>
            <th scope="row">{row.role}</th>
            <td>
              <Named parts={row.first} /> <Share of={row.first_effect} />
            </td>
            <td>
              {row.other.join(" ") || <span class="faint">none</span>}{" "}
              <Share of={row.other_effect} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const EFFECT =
  "The parts, and the change of the metric with all of them patched from the corrupted prompts: its share of the difference between clean and corrupted";

function Share({ of }: { of: number | null }) {
  if (of === null) return null;
  return (
    <span class="faint circuit-role-share" title={`${format(100 * of, 3)} %`}>
      {format(100 * of, 0)} %
    </span>
  );
}

/** Parts of the board's model: each can be selected. */
function Named({ parts }: { parts: readonly string[] }) {
  const board = useBoard();
  if (parts.length === 0) return <span class="faint">none</span>;
  return (
    <>
      {parts.map((part) => (
        <button
          key={part}
          type="button"
          class="plain"
          data-testid="circuit-role-part"
          disabled={part === "embed"}
          onClick={() => void board.select([part])}
        >
          {part}
        </button>
      ))}
    </>
  );
}

/** Which parts correspond, and edges of the second circuit that the map has no place for. */
export function Matches({ info }: { info: CircuitInfo }) {
  return (
    <>
      {info.matches.length > 0 && (
        <details class="circuit-more" data-testid="circuit-matches">
          <summary>{info.matches.length} parts correspond</summary>
          <ul>
            {info.matches.map(({ mine, theirs, apart }) => (
              <li key={mine} data-testid="circuit-match">
                {mine} ~ {theirs}
                {apart !== null && <span class="faint"> {format(apart, 2)} apart</span>}
              </li>
            ))}
          </ul>
        </details>
      )}
      {info.elsewhere.length > 0 && (
        <details class="circuit-more" data-testid="circuit-elsewhere">
          <summary>
            {info.elsewhere.length} edges of the second alone, in {info.other_model || "its model"}
          </summary>
          <ul>
            {info.elsewhere.map((edge) => (
              <li key={edge}>{edge}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
