import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { signed } from "../../draw/number";
import { inputLabel, parseEdge } from "../../edges/edge";
import { edgeState } from "../../edges/state";
import { useBoard } from "../../state/board";
import { SignedBar } from "../shared/SignedBar";
import { More, SOME, SortHead, walk } from "../shared/sortTable";
import { type CircuitRow, chosen, circuitSettings, ordered } from "./state";

const SHARES = { both: "both", first: "first", second: "second", none: "" } as const;

interface Props {
  rows: readonly CircuitRow[];
  compared: boolean;
  /** MLPs some of whose neurons are nodes of their own. */
  rests: ReadonlySet<string>;
}

/** The edges with their scores; each can be pruned and brought back. */
export function EdgeTable({ rows, compared, rests }: Props) {
  const { order, share } = circuitSettings(useBoard());
  const shown = useSignal(SOME);
  const body = useRef<HTMLTableSectionElement>(null);
  const listed = ordered(chosen(rows, compared ? share.value : "all"), order.value);
  const top = rows.reduce((most, { effect }) => Math.max(most, Math.abs(effect) || 0), 1e-9);
  return (
    <>
      <table class="neuron-table circuit-table" data-testid="circuit-table">
        <Head compared={compared} />
        <tbody ref={body} onKeyDown={(event) => walk(event, body.current, "td button")}>
          {listed.slice(0, shown.value).map((row) => (
            <Row key={row.edge} row={row} top={top} compared={compared} rests={rests} />
          ))}
        </tbody>
      </table>
      {listed.length === 0 && <p class="empty">No edge.</p>}
      <More name="circuit" shown={shown} of={listed.length} />
    </>
  );
}

function Head({ compared }: { compared: boolean }) {
  const { order } = circuitSettings(useBoard());
  return (
    <thead>
      <tr>
        <SortHead
          name="circuit"
          order={order}
          value="model"
          label="edge"
          title="In the order of the model"
        />
        <SortHead
          name="circuit"
          order={order}
          value="size"
          label="score"
          title="The largest score first, whatever its sign"
        />
        {compared && <th scope="col">in</th>}
        <th scope="col">keep</th>
      </tr>
    </thead>
  );
}

/** One end of an edge; of an MLP whose neurons are apart it says that this is the rest. */
function End({ at, rests }: { at: string; rests: ReadonlySet<string> }) {
  return (
    <>
      {at}
      {rests.has(at) && <span class="faint"> rest</span>}
    </>
  );
}

interface RowProps {
  row: CircuitRow;
  top: number;
  compared: boolean;
  rests: ReadonlySet<string>;
}

function Row({ row, top, compared, rests }: RowProps) {
  const board = useBoard();
  const { hover } = edgeState(board.ui);
  const { edge: address, effect, own, pruned, share } = row;
  const edge = parseEdge(address);
  const position = address.split("@")[1];
  return (
    <tr
      data-testid="circuit-row"
      data-edge={address}
      data-score={effect}
      data-share={share}
      data-pruned={pruned}
      data-here={hover.value === address}
      title={`${address}: score ${signed(effect, 5)}`}
      onPointerEnter={() => {
        hover.value = address;
      }}
      onPointerLeave={() => {
        hover.value = null;
      }}
    >
      <th scope="row">
        {edge && <End at={edge.ends[0]} rests={rests} />} <span class="faint">→</span>{" "}
        {edge && <End at={edge.ends[1]} rests={rests} />}
        {edge && inputLabel(edge) && <b> {inputLabel(edge)}</b>}
        {position && <span class="faint"> @{position}</span>}
      </th>
      <td class="number">
        <SignedBar values={[effect]} top={top} />
        <span>{signed(effect, 3)}</span>
      </td>
      {compared && <td class="faint">{SHARES[share]}</td>}
      <td>
        {own && (
          <button
            type="button"
            class="icon circuit-keep"
            data-testid="circuit-keep"
            aria-pressed={!pruned}
            aria-label={`Keep ${address}, score ${signed(effect, 3)}`}
            title={pruned ? "Bring it back" : "Prune it: measure the circuit without it"}
            disabled={!board.kernel.live.value}
            onFocus={() => {
              hover.value = address;
            }}
            onBlur={() => {
              hover.value = null;
            }}
            onClick={() => void board.editCircuit(pruned ? "restore" : "prune", [address])}
          >
            {pruned ? "–" : "✓"}
          </button>
        )}
      </td>
    </tr>
  );
}
