import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { percent, signed } from "../../draw/number";
import { inputLabel, parseEdge } from "../../edges/edge";
import { edgeState } from "../../edges/state";
import { useBoard } from "../../state/board";
import type { PathsInfo } from "../../wire/types";
import { SignedBar } from "../shared/SignedBar";
import { More, SOME, SortHead, walk } from "../shared/sortTable";
import { type PathRow, pathsSettings } from "./state";

interface Props {
  rows: readonly PathRow[];
  how: PathsInfo["how"];
  /** Whether baseline and now differ: then both are listed. */
  both: boolean;
}

/** All edges with their exact effects; each can be pinned as an intervention. */
export function PathTable({ rows, how, both }: Props) {
  const shown = useSignal(SOME);
  const body = useRef<HTMLTableSectionElement>(null);
  const top = rows.reduce((most, { effect }) => Math.max(most, Math.abs(effect) || 0), 1e-9);
  return (
    <>
      <table class="neuron-table path-table" data-testid="path-table">
        <Head both={both} />
        <tbody ref={body} onKeyDown={(event) => walk(event, body.current)}>
          {rows.slice(0, shown.value).map((row) => (
            <Row key={row.edge} row={row} how={how} both={both} top={top} />
          ))}
        </tbody>
      </table>
      <More name="paths" shown={shown} of={rows.length} />
    </>
  );
}

function Head({ both }: { both: boolean }) {
  const { order } = pathsSettings(useBoard());
  return (
    <thead>
      <tr>
        <SortHead
          name="paths"
          order={order}
          value="model"
          label="edge"
          title="In the order of the model"
        />
        <SortHead
          name="paths"
          order={order}
          value="size"
          label="effect"
          title="The largest effect first, whatever its sign"
        />
        {both && <th scope="col">baseline</th>}
        <th scope="col" title="The size of the effect over the sum of all sizes">
          share
        </th>
        <th scope="col">
          <span class="map-said">pin</span>
        </th>
      </tr>
    </thead>
  );
}

interface RowProps {
  row: PathRow;
  how: PathsInfo["how"];
  both: boolean;
  top: number;
}

function Row({ row, how, both, top }: RowProps) {
  const board = useBoard();
  const { hover, open } = edgeState(board.ui);
  const { edge: address, now, baseline, effect, share } = row;
  const edge = parseEdge(address);
  const exact = `${address}: baseline ${signed(baseline, 5)}, now ${signed(now, 5)}`;
  return (
    <tr
      data-testid="path-row"
      data-edge={address}
      data-now={now}
      data-base={baseline}
      data-here={hover.value === address}
      title={exact}
      onPointerEnter={() => {
        hover.value = address;
      }}
      onPointerLeave={() => {
        hover.value = null;
      }}
    >
      <th scope="row">
        <button
          type="button"
          aria-label={`${exact}. What can be done to it`}
          onFocus={() => {
            hover.value = address;
          }}
          onClick={() => {
            if (edge) open.value = { sender: edge.sender, receiver: edge.receiver };
          }}
        >
          {edge?.sender} <span class="faint">→</span> {edge?.receiver}
          {edge && inputLabel(edge) && <b> {inputLabel(edge)}</b>}
        </button>
      </th>
      <td class="number">
        <SignedBar values={[effect]} top={top} />
        <span>{Number.isNaN(effect) ? "…" : signed(effect, 3)}</span>
      </td>
      {both && <td class="number">{Number.isNaN(baseline) ? "…" : signed(baseline, 3)}</td>}
      <td class="number faint">{Number.isNaN(share) ? "" : percent(share)}</td>
      <td>
        <Pin address={address} how={how} />
      </td>
    </tr>
  );
}

/** Adds the edge to the list of interventions, or takes it out of it. */
function Pin({ address, how }: { address: string; how: PathsInfo["how"] }) {
  const board = useBoard();
  const line = board.kernel.entries.value.find(
    (entry) => entry.at === address && entry.kind === how,
  );
  const what = how === "patch" ? "Patch from the contrast prompt" : "Zero";
  return (
    <button
      type="button"
      class="icon path-pin"
      data-testid="path-pin"
      aria-pressed={line !== undefined}
      aria-label={`${what}: ${address}`}
      title={line ? "Take it out of the list of interventions" : `${what}: add an intervention`}
      disabled={!board.kernel.live.value}
      onClick={() => {
        if (line) board.carryOut({ verb: "remove", entry: line.id });
        else board.act(how === "patch" ? "patch" : "ablate", [address]);
      }}
    >
      {line ? "✓" : "+"}
    </button>
  );
}
